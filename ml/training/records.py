"""What a run leaves in its folder beside the encoder, each file whole or not at all.

`data.json` lists every picture with its hash; `training.json` says how the encoder beside it was
made; `state.pt` is what resuming starts from.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from ml.encoders import checkpoint
from ml.errors import CheckpointMismatch, RunFolderInUse
from ml.evaluation.output import check_writable, replaced_files

DATA = "data.json"
TRAINING = "training.json"
STATE = "state.pt"

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
    taken = [name for name in (STATE, TRAINING, checkpoint.CONFIG) if (folder / name).exists()]
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
