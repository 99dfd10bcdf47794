"""`python -m ml --mode train`: train an encoder as flags and a recipe say."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

from ml.commands.left_out import write_left_out
from ml.commands.logs import log_to_stderr
from ml.errors import InvalidTrainingConfig
from ml.training.recipe import leaves, read


def main(argv: Sequence[str]) -> int:
    """Train as the flags say; return the exit status, 0.

    Args:
        argv: the flags, without the command's name.

    Raises:
        MlError: the settings contradict each other, or the encoder, the pictures or the folder
            cannot be used.
    """
    parser = _parser()
    values = vars(parser.parse_args(argv))
    key: str | None = values.pop("wandb_key")
    folder: Path = values.pop("save_model_path")
    is_resumed: bool = values.pop("resume")
    recipe: Path | None = values.pop("recipe")
    config = read(recipe, values)
    log_to_stderr()

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
    write_left_out(result.left_out)
    return 0


def _parser() -> argparse.ArgumentParser:
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
