"""Any ultralytics network that draws boxes, from its own .pt file or exported to ONNX.

The steps are those of ultralytics' validator: a letterbox, the network, and for each class its own
non-maximum suppression, a box counting for every class that it may be. ultralytics' predictor is
not used: it gives a box one class only, writes where it is run, and installs packages that it
misses.
"""

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ml.detection.base import CONFIDENCE_FLOOR, Detection, DetectorSpec, detections_of
from ml.detection.yolo_network import Network, torch_network
from ml.detection.yolo_onnx import ONNX_ERRORS, onnx_network
from ml.errors import CheckpointMismatch
from ml.images.letterbox import letterbox
from ml.types import Box
from ml.weights import yolo as yolo_weights
from ml.weights.files import sha256_of

with contextlib.redirect_stdout(sys.stderr):
    from ultralytics.utils.nms import non_max_suppression

NAME = "yolo"
ONNX_SUFFIX = ".onnx"

# Both are what ultralytics validates with.
_NMS_IOU, _MAX_DETECTIONS = 0.7, 300
_BOX_VALUES, _FOUND_VALUES = 4, 6
# Those whose boxes are upright. The rows of the last two hold more behind the classes.
_TASKS = ("detect", "segment", "pose")


class YoloDetector:
    """A `Detector` around an ultralytics network; `load` makes it."""

    def __init__(self, spec: DetectorSpec, network: Network, *, batch_size: int) -> None:
        """Take over a loaded network.

        Args:
            spec: what the detections are recorded with.
            network: what finds them.
            batch_size: pictures in one forward pass at most, ≥ 1; a network whose number of
                pictures is fixed takes its own.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.spec = spec
        self._network = network
        self._batch_size = network.batch_size or batch_size

    def detect(self, images: Sequence[Image.Image]) -> list[tuple[Detection, ...]]:
        """Find things in pictures, in input order; see `Detector.detect`."""
        found = []
        for start in range(0, len(images), self._batch_size):
            found += self._detect_batch(images[start : start + self._batch_size])
        return found

    def _detect_batch(self, images: Sequence[Image.Image]) -> list[tuple[Detection, ...]]:
        width_px, height_px = self._network.width_px, self._network.height_px
        boxed = [letterbox(image, width_px, height_px) for image in images]
        pixels = np.zeros(
            (self._network.batch_size or len(images), height_px, width_px, 3), np.uint8
        )
        for row, (canvas, _) in zip(pixels, boxed, strict=False):
            row[:] = canvas
        outputs = self._network.forward(pixels)
        return [
            self._detections(output, image, placed_box)
            for output, image, (_, placed_box) in zip(outputs, images, boxed, strict=False)
        ]

    def _detections(
        self, output: torch.Tensor, image: Image.Image, placed_box: Box
    ) -> tuple[Detection, ...]:
        # One picture at a time: ultralytics stops, and loses the rest, when a batch takes long.
        rows = non_max_suppression(
            output[None],
            conf_thres=CONFIDENCE_FLOOR,
            iou_thres=_NMS_IOU,
            multi_label=True,
            max_det=_MAX_DETECTIONS,
            nc=len(self.spec.labels),
            end2end=self._network.is_suppressed,
        )[0].numpy()
        rows = rows[(rows[:, 5] >= 0) & (rows[:, 5] < len(self.spec.labels))]
        corners = rows[:, :4].astype(np.float64) - (
            placed_box.x0,
            placed_box.y0,
            placed_box.x0,
            placed_box.y0,
        )
        scale_x, scale_y = image.width / placed_box.width, image.height / placed_box.height
        return detections_of(
            corners * (scale_x, scale_y, scale_x, scale_y),
            rows[:, 4],
            [self.spec.labels[int(code)] for code in rows[:, 5]],
            width=image.width,
            height=image.height,
        )


def load(
    reference: str = "",
    *,
    device: torch.device,
    dtype: torch.dtype,
    batch_size: int,
    cache_dir: Path | None = None,
) -> YoloDetector:
    """Return the detector of a weights file.

    Args:
        reference: path of a .pt or .onnx file, or the name of an official .pt file, which is
            downloaded where it is not on disk; "" is `yolo_weights.DEFAULT_WEIGHTS`.
        device: where it runs. ONNX runs on CUDA only where the installed runtime can, else on the
            CPU.
        dtype: number format of a .pt network. ONNX has its own.
        batch_size: pictures in one forward pass at most.
        cache_dir: where official files are kept; None is ultralytics' own folder.

    Raises:
        WeightsUnavailable: no such file, nor an official one that can be fetched.
        CheckpointMismatch: no network of ultralytics that draws upright boxes, not safe to read, or
            damaged.
    """
    path = yolo_weights.locate(reference, cache_dir=cache_dir)
    if path.suffix.lower() == ONNX_SUFFIX:
        network = onnx_network(path, device)
    else:
        network = torch_network(path, device, dtype)
    _check(network, path)
    spec = DetectorSpec(
        name=NAME, weights=path.name, weights_sha256=sha256_of([path]), labels=network.labels
    )
    return YoloDetector(spec, network, batch_size=batch_size)


def _check(network: Network, path: Path) -> None:
    """Refuse a network that gives something else than boxes, by running it once."""
    if network.task not in _TASKS:
        raise CheckpointMismatch(
            f"The network in {path.name} draws no upright boxes; its task is"
            f" {network.task or 'unknown'!r}.",
            file=path.name,
        )
    blank = np.zeros((network.batch_size or 1, network.height_px, network.width_px, 3), np.uint8)
    try:
        shape = tuple(network.forward(blank).shape)
    except (*yolo_weights.UNREADABLE, *ONNX_ERRORS) as err:
        raise CheckpointMismatch(
            f"The network in {path.name} cannot be run: {err}", file=path.name
        ) from err
    if not _is_expected(shape, network):
        raise CheckpointMismatch(
            f"The network in {path.name} gives {shape}, which are no boxes of"
            f" {len(network.labels)} classes.",
            file=path.name,
        )


def _is_expected(shape: tuple[int, ...], network: Network) -> bool:
    if len(shape) != 3 or shape[0] != (network.batch_size or 1):  # noqa: PLR2004 - see `Forward`
        return False
    values = _BOX_VALUES + len(network.labels)
    if network.is_suppressed:
        return shape[2] == _FOUND_VALUES if network.task == "detect" else shape[2] > _FOUND_VALUES
    # Of six positions, and of two classes, the one form could be taken for the other.
    if shape[2] == _FOUND_VALUES:
        return False
    return shape[1] == values if network.task == "detect" else shape[1] > values
