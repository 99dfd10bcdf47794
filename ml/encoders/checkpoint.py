"""Checkpoints that this project makes, written, and read as torch networks."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from ml.encoders.base import PreprocessConfig
from ml.encoders.checkpoint_files import (
    CONFIG,
    DAMAGE,
    WEIGHTS,
    WHITENING,
    read_config,
    weights_file,
)
from ml.encoders.network import EncoderNetwork
from ml.encoders.whitening import Whitening
from ml.errors import CheckpointMismatch
from ml.output import replaced_files
from ml.weights.files import sha256_of


def save(
    network: EncoderNetwork, folder: Path, *, dtype: torch.dtype = torch.float32
) -> EncoderNetwork:
    """Write the network; the folder appears whole or not at all, and replaces an older one's files.

    Args:
        network: what to write.
        folder: made where missing; other files in it stay.
        dtype: number format of the file's floating-point weights.

    Returns:
        The network under its new name: `weights` is the folder's, `weights_sha256` the file's.

    Raises:
        OutputUnwritable: the folder cannot be made or written.
    """
    config = {
        "name": network.name,
        "family": network.family,
        "started_from": network.weights,
        "dim": network.dim,
        "network": dict(network.config),
        "preprocess": asdict(network.preprocess),
    }
    tensors = _stored(network.module, dtype)
    if network.whitening is not None:
        whitening = _stored(network.whitening, dtype)
        tensors |= {WHITENING + name: tensor for name, tensor in whitening.items()}
    with replaced_files(folder, (WEIGHTS, CONFIG)) as scratch:
        save_file(tensors, scratch / WEIGHTS)
        (scratch / WEIGHTS).chmod(0o644)  # workers run as somebody else
        (scratch / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return load(folder, build=lambda _: network.module)


def load(folder: Path, *, build: Callable[[Mapping[str, Any]], nn.Module]) -> EncoderNetwork:
    """Return the network in a checkpoint folder.

    Args:
        folder: holds the two files.
        build: the family's: `EncoderNetwork.config` → a network without weights.

    Raises:
        CheckpointMismatch: a file is missing or damaged, or the weights are another network's.
    """
    config, path = read_config(folder), weights_file(folder)
    try:
        module = build(config["network"])
        tensors = load_file(path)
        preprocess, dim = PreprocessConfig.from_json(config["preprocess"]), int(config["dim"])
        whitening = _whitening(tensors, dim)
        module.load_state_dict(tensors)
        _try(module.float(), preprocess, dim)
        return EncoderNetwork(
            name=config["name"],
            family=config["family"],
            module=module,
            config=config["network"],
            preprocess=preprocess,
            weights=folder.resolve().name,
            weights_sha256=sha256_of([path]),
            dim=dim,
            whitening=whitening,
        )
    except DAMAGE as err:
        raise CheckpointMismatch(
            f"The checkpoint {folder.name} cannot be read: {err}", folder=str(folder)
        ) from err


def _try(module: nn.Module, preprocess: PreprocessConfig, dim: int) -> None:
    """Refuse a network that does not do what its config says, before anything is made with it."""
    blank = torch.zeros(1, 3, preprocess.size_px, preprocess.size_px)
    with torch.inference_mode():
        shape = tuple(module.eval()(blank).shape)
    if shape != (1, dim):
        raise ValueError(f"its embeddings have the shape {shape[1:]} instead of ({dim},)")


def _whitening(tensors: dict[str, torch.Tensor], dim: int) -> Whitening | None:
    """Take the whitening's tensors out of a file's; None where it has none."""
    names = [name for name in tensors if name.startswith(WHITENING)]
    if not names:
        return None
    parts = {name.removeprefix(WHITENING): tensors.pop(name) for name in names}
    whitening = Whitening(**parts)
    if len(whitening.centre) != dim:
        raise ValueError(f"a whitening of {len(whitening.centre)} dimensions instead of {dim}")
    return whitening


def _stored(module: nn.Module, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Return the weights as they are written: contiguous, on the CPU, no two sharing memory."""
    return {
        name: (tensor.to(dtype) if tensor.is_floating_point() else tensor)
        .detach()
        .cpu()
        .contiguous()
        .clone()
        for name, tensor in module.state_dict().items()
    }
