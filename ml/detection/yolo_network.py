"""A network of ultralytics that draws boxes, and how one is read from its own .pt file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ml.errors import CheckpointMismatch, OutOfDeviceMemory
from ml.memory import keep_freed_memory
from ml.weights import yolo as yolo_weights

_MAX_LABELS = 100_000

# (B, H, W, 3) uint8 RGB → (B, 4 + classes + more, positions) float32: x, y of the middle, width and
# height in pixels of the input, then a confidence a class; or (B, positions, 6 + more) with
# suppression inside the network: x0, y0, x1, y1, confidence, class.
Forward = Callable[[NDArray[np.uint8]], torch.Tensor]


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded network.

    Attributes:
        forward: runs it.
        task: as ultralytics names it.
        labels: its classes.
        width_px: of its input.
        height_px: of its input.
        is_suppressed: whether it has its own non-maximum suppression.
        batch_size: how many pictures it takes at once; None is any number.
    """

    forward: Forward
    task: str
    labels: tuple[str, ...]
    width_px: int
    height_px: int
    is_suppressed: bool
    batch_size: int | None = None


def torch_network(path: Path, device: torch.device, dtype: torch.dtype) -> Network:
    """Return the network of a .pt file.

    Args:
        path: the file.
        device: where it runs.
        dtype: number format that it runs in.

    Raises:
        CheckpointMismatch: not a network of ultralytics, not safe to read, or damaged.
    """
    network = yolo_weights.read(path)
    size_px = yolo_weights.input_px(network, path)
    return Network(
        forward=_TorchForward(network, device, dtype),
        task=str(getattr(network, "task", "")),
        labels=labels_of(getattr(network, "names", None), path),
        width_px=size_px,
        height_px=size_px,
        is_suppressed=bool(getattr(network, "end2end", False)),
    )


def labels_of(names: object, path: Path) -> tuple[str, ...]:
    """Return the class names in order, lower case.

    Args:
        names: as the file has them: a list, or an object whose keys are 0 to N - 1.
        path: the file, for the sentence that refuses others.

    Raises:
        CheckpointMismatch: they are no names.
    """
    listed = names
    if isinstance(names, dict) and list(names) == list(range(len(names))):
        listed = list(names.values())
    if isinstance(listed, list | tuple) and 0 < len(listed) <= _MAX_LABELS:
        labels = [name.strip().lower() for name in listed if isinstance(name, str)]
        if all(labels) and len(labels) == len(listed):
            return tuple(labels)
    raise CheckpointMismatch(
        f"{path.name} does not say what its classes are called.", file=path.name
    )


class _TorchForward:
    """Runs the network of a .pt file."""

    def __init__(self, network: Any, device: torch.device, dtype: torch.dtype) -> None:
        if device.type == "cpu":
            keep_freed_memory()
        self._network = network.requires_grad_(requires_grad=False).to(device, dtype)
        self._network.to(memory_format=torch.channels_last)
        self._device, self._dtype = device, dtype

    def __call__(self, pixels: NDArray[np.uint8]) -> torch.Tensor:
        try:
            with torch.inference_mode():
                inputs = torch.from_numpy(pixels).to(self._device).permute(0, 3, 1, 2)
                return _first(self._network(inputs.to(self._dtype) / 255)).float().cpu()
        except torch.OutOfMemoryError as err:
            raise OutOfDeviceMemory(
                f"{len(pixels)} pictures at once do not fit into the memory of {self._device}.",
                device=str(self._device),
                batch_size=len(pixels),
            ) from err


def _first(outputs: Any) -> torch.Tensor:
    while not isinstance(outputs, torch.Tensor):
        outputs = outputs[0]
    return outputs
