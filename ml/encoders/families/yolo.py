"""Embeddings of a detector: the last feature map of an ultralytics network, averaged."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from ml.encoders.base import PreprocessConfig, Resize
from ml.encoders.network import EncoderNetwork
from ml.errors import CheckpointMismatch
from ml.weights import yolo as yolo_weights
from ml.weights.files import sha256_of

NAME = "yolo"


def load_network(reference: str = "", *, cache_dir: Path | None = None) -> EncoderNetwork:
    """Return the network of a weights file, made fast for embedding; it is not to be trained.

    An embedding is what ultralytics' own `embed` returns: the second-to-last layer's feature map,
    averaged over all positions. Pictures are letterboxed to one square, so that no picture's
    embedding depends on which others are in its batch; classifiers get the middle square, as they
    were trained.

    Args:
        reference: path of a .pt file, or the name of an official one, which is downloaded where it
            is not on disk; "" is `yolo_weights.DEFAULT_WEIGHTS`.
        cache_dir: where official files are kept; None is ultralytics' own folder.

    Raises:
        WeightsUnavailable: no such file, nor an official one that can be fetched.
        CheckpointMismatch: not a network of ultralytics, not safe to read, or damaged.
    """
    path = _located(reference, cache_dir)
    network = yolo_weights.read(path)
    task = str(getattr(network, "task", ""))
    resize: Resize = "shortest_side" if task == "classify" else "letterbox"
    size_px = yolo_weights.input_px(network, path)
    module = _Embedding(network)
    return EncoderNetwork(
        name=NAME,
        family=NAME,
        module=module,
        config={"task": task},
        preprocess=PreprocessConfig(
            size_px=size_px,
            resize=resize,
            resize_px=size_px,
            interpolation="bilinear",
            mean=(0.0, 0.0, 0.0),
            std=(1.0, 1.0, 1.0),
        ),
        weights=path.name,
        weights_sha256=sha256_of([path]),
        dim=_dim(module, size_px, path),
    )


def _located(reference: str, cache_dir: Path | None) -> Path:
    if Path(reference).suffix.lower() not in ("", ".pt"):
        name = Path(reference).name
        raise CheckpointMismatch(
            f"{name} is no .pt file: only those have the layers that encoder {NAME} reads; "
            "exported forms such as ONNX have none.",
            file=name,
        )
    return yolo_weights.locate(reference, cache_dir=cache_dir)


class _Embedding(nn.Module):
    """(B, 3, S, S) of 0..1 → (B, D)."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        # What `embed` of ultralytics takes where no layer is named.
        self.layer = len(network.model) - 2

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return torch.stack(list(self.network.predict(inputs, embed=[self.layer])))


def _dim(module: nn.Module, size_px: int, path: Path) -> int:
    """Return the length of an embedding, by making one."""
    try:
        with torch.inference_mode():
            rows = module(torch.zeros(1, 3, size_px, size_px))
    except yolo_weights.UNREADABLE as err:
        raise CheckpointMismatch(
            f"The network in {path.name} makes no embedding of an RGB picture: {err}",
            file=path.name,
        ) from err
    return int(rows.shape[1])
