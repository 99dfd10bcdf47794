"""What a run leaves in its folder beside the encoder, each file whole or not at all.

`data.json` lists every picture with its hash; `training.json` says how the encoder beside it was
made, and `report.md` says it to people; `state.pt` is what resuming starts from.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from ml.commands.left_out import LeftOut
from ml.encoders import checkpoint_files
from ml.errors import CheckpointMismatch, RunFolderInUse
from ml.output import check_writable, replaced_files

DATA = "data.json"
TRAINING = "training.json"
STATE = "state.pt"
REPORT = "report.md"

_LIBRARIES = ("torch", "torchvision", "timm", "transformers", "peft", "accelerate", "numpy")


def claim(folder: Path, *, is_resumed: bool) -> None:
    """Make sure that a run may write here, before anything is computed.

    Raises:
        RunFolderInUse: a new run, but the folder holds another one's results.
        CheckpointMismatch: a resumed run, but the folder holds no state.
        OutputUnwritable: the folder cannot be made or written.
    """
    if is_resumed and not (folder / STATE).is_file():
        raise CheckpointMismatch(
            f"There is nothing to resume in {folder}: it lacks {STATE}.", folder=str(folder)
        )
    taken = [
        name for name in (STATE, TRAINING, checkpoint_files.CONFIG) if (folder / name).exists()
    ]
    if taken and not is_resumed:
        raise RunFolderInUse(
            f"{folder} already holds {taken[0]} of a training; resume that or name another folder.",
            folder=str(folder),
        )
    check_writable(folder)
    for scratch in folder.glob(".writing-*"):  # of a run that was killed while it wrote
        shutil.rmtree(scratch, ignore_errors=True)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file, or leave the old one.

    Raises:
        OutputUnwritable: no space, no permission, no such folder.
    """
    with replaced_files(path.parent, [path.name]) as scratch:
        (scratch / path.name).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def write_report(folder: Path, record: Mapping[str, Any], left_out: Sequence[LeftOut]) -> None:
    """Write what `training.json` says, for people.

    Args:
        folder: the run's.
        record: the content of `training.json`.
        left_out: files that could not be used.
    """
    minutes = record["seconds"] / 60
    lines = [
        f"# Training of {record['encoder']}",
        "",
        f"Started from {record['identity']['weights']}. The encoder is that of step "
        f"{record['step']} of {record['total_steps']}, after {minutes:.0f} minutes on "
        f"{record['device']} ({record['precision']}).",
        "",
        f"- weights: {record['weights_sha256']}",
        f"- training data: {record['data_sha256']}",
        f"- code: {record['git_commit'] or 'not in a repository'}",
        "",
        "## Held-out pictures",
        "",
        *_table({"at the start": record["held_out_at_start"]} | _by_step(record["history"])),
        "",
        "## Losses of the last step",
        "",
        *(f"- {name}: {value:.4f}" for name, value in record["losses"].items()),
        "",
        "## Settings",
        "",
        "```json",
        json.dumps(record["config"], indent=2),
        "```",
        "",
        f"## Files left out: {len(left_out)}",
        "",
        *(f"- {file.name}: {file.reason}" for file in left_out),
    ]
    with replaced_files(folder, [REPORT]) as scratch:
        (scratch / REPORT).write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _by_step(history: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    return {
        f"step {metrics['step']:.0f}": {k: v for k, v in metrics.items() if k != "step"}
        for metrics in history
    }


def _table(rows: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return a Markdown table, a column a metric; one sentence where nothing was measured."""
    names = list(dict.fromkeys(name for metrics in rows.values() for name in metrics))
    if not names:
        return ["None were held out."]
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for row, metrics in rows.items():
        cells = [f"{metrics[name]:.4f}" if name in metrics else "" for name in names]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return lines


def write_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write what resuming needs: tensors, numbers, strings, lists and dicts of them."""
    with replaced_files(folder, [STATE]) as scratch:
        torch.save(dict(state), scratch / STATE)


def read_state(folder: Path) -> dict[str, Any]:
    """Return what `write_state` wrote.

    Raises:
        CheckpointMismatch: the file is damaged.
    """
    try:
        state = torch.load(folder / STATE, map_location="cpu", weights_only=True)
    except Exception as err:  # its readers raise any type on damaged bytes
        raise CheckpointMismatch(
            f"{STATE} in {folder} is damaged: {type(err).__name__}.", folder=str(folder)
        ) from err
    return dict(state)


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that decide what a training computes."""
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def git_commit() -> str | None:
    """Return the commit of this code, with "+" behind it where files differ; None outside git."""
    git = shutil.which("git")
    if git is None:
        return None
    here = str(Path(__file__).parent)
    commit = _output([git, "-C", here, "rev-parse", "HEAD"])
    if not commit:
        return None
    changed = _output([git, "-C", here, "status", "--porcelain", "--untracked-files=no"])
    return f"{commit}+" if changed else commit


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            command, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
