"""The command line of training and of embedding a folder."""

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

from ml.errors import InvalidTrainingConfig
from ml.flags import positive
from ml.left_out import LeftOut
from ml.training.config import leaves, read


def train_main(argv: Sequence[str]) -> int:
    """Train as the flags say; return the exit status."""
    parser = _train_parser()
    values = vars(parser.parse_args(argv))
    key: str | None = values.pop("wandb_key")
    folder: Path = values.pop("save_model_path")
    is_resumed: bool = values.pop("resume")
    recipe: Path | None = values.pop("recipe")
    config = read(recipe, values)
    _log_to_stderr()

    # Here, because `--help` and a wrong flag should not wait for torch.
    from ml.encoders.registry import load_network
    from ml.training.tracking import ProgressBar, TensorBoard, Tracker, WeightsAndBiases
    from ml.training.trainer import train

    def open_trackers(total_steps: int) -> list[Tracker]:
        return [
            ProgressBar(total_steps),
            TensorBoard(folder / "tensorboard"),
            WeightsAndBiases(config, folder / "wandb", key),
        ]

    network = load_network(config.encoder)
    result = train(config, network, folder, is_resumed=is_resumed, open_trackers=open_trackers)
    how = "stopped early" if result.is_stopped_early else "finished"
    sys.stdout.write(f"Training {how} after {result.steps} steps. Encoder: {folder}\n")
    if result.best:
        sys.stdout.write(
            f"Held-out mAP: {result.best['map']:.4f}, {result.start['map']:.4f} at the start\n"
        )
    _write_left_out(result.left_out)
    return 0


def inference_main(argv: Sequence[str]) -> int:
    """Embed a folder as the flags say; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ml --mode inference",
        description="Embed the pictures of a folder into an .npz file.",
        allow_abbrev=False,
    )
    parser.add_argument("--data-path", type=Path, required=True, help="the folder")
    parser.add_argument("--output", type=Path, required=True, help="the .npz file")
    parser.add_argument("--encoder", required=True, help="name, or a trained encoder's folder")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:<number>, mps")
    parser.add_argument("--batch-size", type=positive, default=16, help="pictures at once")
    flags = parser.parse_args(argv)
    _log_to_stderr()

    from ml.encoders.registry import load
    from ml.inference import embed_to_file

    encoder = load(flags.encoder, device=flags.device, batch_size=flags.batch_size)
    embedded = embed_to_file(flags.data_path, encoder, flags.output)
    count, dim = embedded.embeddings.shape
    sys.stdout.write(f"{count} embeddings of {dim} numbers in {flags.output}\n")
    _write_left_out(embedded.left_out)
    return 0


def _train_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml --mode train",
        description="Train an encoder. A recipe's values are replaced by the flags that are given.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--save-model-path", type=Path, required=True, help="folder of the run and its encoder"
    )
    parser.add_argument("--recipe", type=Path, default=None, help="JSON file of settings")
    parser.add_argument(
        "--resume", action="store_true", default=False, help="go on with the run in the folder"
    )
    parser.add_argument(
        "--wandb-key",
        "--wand-key",
        default=None,
        help="key of a Weights & Biases account; without one its files stay in the run's folder",
    )
    settings = parser.add_argument_group("settings", "lists are separated by commas")
    for name, kind, default in leaves():
        settings.add_argument(
            "--" + name.replace(".", "-").replace("_", "-"),
            dest=name,
            type=_reader(kind, default),
            metavar="VALUE",
            help=f"default: {_shown(default)}",
        )
    return parser


def _reader(kind: Any, default: Any) -> Callable[[str], Any]:
    """Return what makes a flag's text the value that the config checks."""

    def read_flag(text: str) -> Any:
        if text == "none" and type(None) in get_args(kind):
            return None
        if isinstance(default, tuple):
            return tuple(part for part in text.split(",") if part)
        if isinstance(default, dict):
            return _object(text)
        return text

    return read_flag


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as err:
        raise InvalidTrainingConfig(f"{text!r} is not a JSON object.") from err


def _shown(default: Any) -> str:
    if default is None or default in ((), "", {}):
        return "none"
    return str(default).replace("%", "%%")


def _write_left_out(files: Sequence[LeftOut]) -> None:
    for file in files:
        sys.stdout.write(f"left out: {file.name}: {file.reason}\n")
    if files:
        sys.stdout.write(f"Files left out: {len(files)}\n")


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_WithFacts("%(levelname)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)


class _WithFacts(logging.Formatter):
    """Shows what a record carries beside its message."""

    _usual = frozenset((*vars(logging.makeLogRecord({})), "message", "asctime"))

    def format(self, record: logging.LogRecord) -> str:
        facts = [f"{key}={value}" for key, value in vars(record).items() if key not in self._usual]
        return " ".join([super().format(record), *facts])
