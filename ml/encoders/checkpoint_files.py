"""Checkpoints that this project makes: one folder, two files, any family of encoder.

`encoder.json` names the family and holds what it builds the network from; `model.safetensors` holds
the weights. A run's records (training.json, data.json) and a calibration may lie beside them.
Importing this file loads no torch.
"""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from ml.errors import CheckpointMismatch, WeightsUnavailable

CONFIG = "encoder.json"
WEIGHTS = "model.safetensors"
# Before the names of the whitening's tensors; no module names a part of itself so.
WHITENING = "whitening."

# What reading a damaged file, or one of another network, ends in.
DAMAGE = (
    SafetensorError,
    AttributeError,
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
    ArithmeticError,
)


def is_checkpoint(folder: Path) -> bool:
    """Return whether the folder claims to hold a checkpoint of this project."""
    return (folder / CONFIG).is_file()


def read_family(folder: Path) -> str:
    """Return the family that the checkpoint is of.

    Raises:
        WeightsUnavailable: there is no such folder.
        CheckpointMismatch: encoder.json is missing or damaged.
    """
    if not folder.is_dir():
        raise WeightsUnavailable(f"There is no folder {folder}.", folder=str(folder))
    return str(read_config(folder)["family"])


def read_config(folder: Path) -> dict[str, Any]:
    """Return what encoder.json says; only that the names are there is checked.

    Raises:
        CheckpointMismatch: encoder.json is missing or damaged.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        missing = {"name", "family", "dim", "network", "preprocess"} - set(config)
    except (OSError, ValueError, TypeError, RecursionError) as err:
        raise CheckpointMismatch(
            f"{folder.name} has no readable {CONFIG}.", folder=str(folder)
        ) from err
    if missing:
        raise CheckpointMismatch(
            f"{CONFIG} in {folder.name} lacks {', '.join(sorted(missing))}.", folder=str(folder)
        )
    return dict(config)


def weights_file(folder: Path) -> Path:
    """Return the file with the weights.

    Raises:
        CheckpointMismatch: there is none.
    """
    path = folder / WEIGHTS
    if not path.is_file():
        raise CheckpointMismatch(f"{folder.name} lacks {WEIGHTS}.", folder=str(folder))
    return path
