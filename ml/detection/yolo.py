"""Any ultralytics network that draws boxes, from its own .pt file or exported to ONNX.

The steps are those of ultralytics' validator: a letterbox, the network, and for each class its own
non-maximum suppression, a box counting for every class that it may be. ultralytics' predictor is
not used: it gives a box one class only, writes where it is run, and installs packages that it
misses.
"""

import ast
import contextlib
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as onnx_errors
from PIL import Image

from ml.detection.base import CONFIDENCE_FLOOR, Detection, DetectorSpec, detections_of
from ml.errors import CheckpointMismatch, OutOfDeviceMemory
from ml.images.letterbox import letterbox
from ml.memory import keep_freed_memory
from ml.types import Box
from ml.weights import yolo as yolo_weights
from ml.weights.files import MAX_INPUT_PX, sha256_of

with contextlib.redirect_stdout(sys.stderr):
    from ultralytics.utils.nms import non_max_suppression

NAME = "yolo"
ONNX_SUFFIX = ".onnx"

logger = logging.getLogger(__name__)

# Both are what ultralytics validates with.
_NMS_IOU, _MOST_DETECTIONS = 0.7, 300
_BOX_VALUES, _FOUND_VALUES = 4, 6
_MOST_LABELS = 100_000
# Those whose boxes are upright. The rows of the last two hold more behind the classes.
_TASKS = ("detect", "segment", "pose")

_ONNX_ERRORS = (
    onnx_errors.Fail,
    onnx_errors.InvalidArgument,
    onnx_errors.InvalidGraph,
    onnx_errors.InvalidProtobuf,
    onnx_errors.NoModel,
    onnx_errors.NoSuchFile,
    onnx_errors.NotImplemented,
    onnx_errors.RuntimeException,
)

# (B, H, W, 3) uint8 RGB → (B, 4 + classes + more, places) float32: x, y of the middle, width and
# height in pixels of the input, then a confidence a class; or (B, places, 6 + more) with
# suppression inside the network: x0, y0, x1, y1, confidence, class.
_Forward = Callable[[NDArray[np.uint8]], torch.Tensor]


@dataclass(frozen=True, slots=True)
class _Network:
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

    forward: _Forward
    task: str
    labels: tuple[str, ...]
    width_px: int
    height_px: int
    is_suppressed: bool
    batch_size: int | None = None


class YoloDetector:
    """A `Detector` around an ultralytics network; `load` makes it."""

    def __init__(self, spec: DetectorSpec, network: _Network, *, batch_size: int) -> None:
        """Take over a loaded network.

        Args:
            spec: what the detections are recorded with.
            network: what finds them.
            batch_size: most pictures in one forward pass, ≥ 1; a network whose number of pictures
                is fixed takes its own.
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
            self._detections(output, image, place)
            for output, image, (_, place) in zip(outputs, images, boxed, strict=False)
        ]

    def _detections(
        self, output: torch.Tensor, image: Image.Image, place: Box
    ) -> tuple[Detection, ...]:
        # One picture at a time: ultralytics stops, and loses the rest, when a batch takes long.
        rows = non_max_suppression(
            output[None],
            conf_thres=CONFIDENCE_FLOOR,
            iou_thres=_NMS_IOU,
            multi_label=True,
            max_det=_MOST_DETECTIONS,
            nc=len(self.spec.labels),
            end2end=self._network.is_suppressed,
        )[0].numpy()
        rows = rows[(rows[:, 5] >= 0) & (rows[:, 5] < len(self.spec.labels))]
        corners = rows[:, :4].astype(np.float64) - (place.x0, place.y0, place.x0, place.y0)
        scale_x, scale_y = image.width / place.width, image.height / place.height
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
        batch_size: most pictures in one forward pass.
        cache_dir: where official files are kept; None is ultralytics' own folder.

    Raises:
        WeightsUnavailable: no such file, nor an official one that can be fetched.
        CheckpointMismatch: no network of ultralytics that draws upright boxes, not safe to read, or
            damaged.
    """
    path = yolo_weights.locate(reference, cache_dir=cache_dir)
    if path.suffix.lower() == ONNX_SUFFIX:
        network = _onnx_network(path, device)
    else:
        network = _torch_network(path, device, dtype)
    _check(network, path)
    spec = DetectorSpec(
        name=NAME, weights=path.name, weights_sha256=sha256_of([path]), labels=network.labels
    )
    return YoloDetector(spec, network, batch_size=batch_size)


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


class _OnnxForward:
    """Runs an exported network."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._input = session.get_inputs()[0]
        self._dtype = np.float16 if "float16" in self._input.type else np.float32

    def __call__(self, pixels: NDArray[np.uint8]) -> torch.Tensor:
        inputs = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).astype(self._dtype)
        inputs = np.divide(inputs, self._dtype(255))
        outputs = self._session.run(None, {self._input.name: inputs})
        return torch.from_numpy(np.asarray(outputs[0], dtype=np.float32))


def _torch_network(path: Path, device: torch.device, dtype: torch.dtype) -> _Network:
    network = yolo_weights.read(path)
    size_px = yolo_weights.input_px(network, path)
    return _Network(
        forward=_TorchForward(network, device, dtype),
        task=str(getattr(network, "task", "")),
        labels=_labels(getattr(network, "names", None), path),
        width_px=size_px,
        height_px=size_px,
        is_suppressed=bool(getattr(network, "end2end", False)),
    )


def _onnx_network(path: Path, device: torch.device) -> _Network:
    try:
        session = onnxruntime.InferenceSession(path, _quiet(), providers=_providers(device))
    except _ONNX_ERRORS as err:
        raise CheckpointMismatch(
            f"{path.name} is damaged, or no network that ONNX Runtime can run.", file=path.name
        ) from err
    try:
        said = {name: _literal(text) for name, text in _metadata(session).items()}
        batch_size, height_px, width_px = _input_shape(session, said)
        arguments = said.get("args")
        has_nms = isinstance(arguments, dict) and bool(arguments.get("nms"))
    except (ValueError, TypeError, IndexError) as err:
        raise CheckpointMismatch(
            f"{path.name} does not take pictures as ultralytics' exports do: {err}.", file=path.name
        ) from err
    return _Network(
        forward=_OnnxForward(session),
        task=str(said.get("task", "")),
        labels=_labels(said.get("names"), path),
        width_px=width_px,
        height_px=height_px,
        is_suppressed=bool(said.get("end2end")) or has_nms,
        batch_size=batch_size,
    )


def _quiet() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; warnings would go to the standard error, uncalled for
    # As many as torch was told to use: this runtime reads no OMP_NUM_THREADS.
    options.intra_op_num_threads = torch.get_num_threads()
    return options


def _providers(device: torch.device) -> list[Any]:
    if device.type == "cuda":
        if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            return [
                ("CUDAExecutionProvider", {"device_id": device.index or 0}),
                "CPUExecutionProvider",
            ]
        logger.warning("ONNX Runtime has no CUDA here; the detector runs on the CPU")
    return ["CPUExecutionProvider"]


def _metadata(session: onnxruntime.InferenceSession) -> Mapping[str, str]:
    values: Mapping[str, str] = session.get_modelmeta().custom_metadata_map
    return values


def _literal(text: str) -> object:
    """Return the value that ultralytics wrote down, or the text itself where it is none."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _input_shape(
    session: onnxruntime.InferenceSession, said: Mapping[str, object]
) -> tuple[int | None, int, int]:
    """Return batch size, None for any, height and width; sides left open come from the metadata."""
    batch, channels, height, width = session.get_inputs()[0].shape
    if channels not in (3, None) and not isinstance(channels, str):
        raise ValueError(f"{channels} channels")
    size = said.get("imgsz", (640, 640))
    if not isinstance(size, list | tuple):
        raise TypeError(f"a size of {size!r}")
    sides = [
        side if isinstance(side, int) else usual
        for side, usual in zip((height, width), size, strict=True)
    ]
    for side in (*sides, *([batch] if isinstance(batch, int) else [])):
        if not isinstance(side, int) or not 0 < side <= MAX_INPUT_PX:
            raise ValueError(f"a side or batch of {side!r}")
    return batch if isinstance(batch, int) else None, sides[0], sides[1]


def _labels(names: object, path: Path) -> tuple[str, ...]:
    """Return the class names in order, lower case."""
    listed = names
    if isinstance(names, dict) and list(names) == list(range(len(names))):
        listed = list(names.values())
    if isinstance(listed, list | tuple) and 0 < len(listed) <= _MOST_LABELS:
        labels = [name.strip().lower() for name in listed if isinstance(name, str)]
        if all(labels) and len(labels) == len(listed):
            return tuple(labels)
    raise CheckpointMismatch(
        f"{path.name} does not say what its classes are called.", file=path.name
    )


def _check(network: _Network, path: Path) -> None:
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
    except (*yolo_weights.UNREADABLE, *_ONNX_ERRORS) as err:
        raise CheckpointMismatch(
            f"The network in {path.name} cannot be run: {err}", file=path.name
        ) from err
    if not _is_expected(shape, network):
        raise CheckpointMismatch(
            f"The network in {path.name} gives {shape}, which are no boxes of"
            f" {len(network.labels)} classes.",
            file=path.name,
        )


def _is_expected(shape: tuple[int, ...], network: _Network) -> bool:
    if len(shape) != 3 or shape[0] != (network.batch_size or 1):  # noqa: PLR2004 - see `_Forward`
        return False
    values = _BOX_VALUES + len(network.labels)
    if network.is_suppressed:
        return shape[2] == _FOUND_VALUES if network.task == "detect" else shape[2] > _FOUND_VALUES
    # Of six places, and of two classes, the one form could be taken for the other.
    if shape[2] == _FOUND_VALUES:
        return False
    return shape[1] == values if network.task == "detect" else shape[1] > values


def _first(outputs: Any) -> torch.Tensor:
    while not isinstance(outputs, torch.Tensor):
        outputs = outputs[0]
    return outputs
