"""A network of ultralytics that was exported to ONNX, run by ONNX Runtime."""

import ast
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as onnx_errors

from ml.detection.yolo_network import Network, labels_of
from ml.errors import CheckpointMismatch
from ml.weights.files import MAX_INPUT_PX

logger = logging.getLogger(__name__)

# What reading or running a damaged or foreign file raises.
ONNX_ERRORS = (
    onnx_errors.Fail,
    onnx_errors.InvalidArgument,
    onnx_errors.InvalidGraph,
    onnx_errors.InvalidProtobuf,
    onnx_errors.NoModel,
    onnx_errors.NoSuchFile,
    onnx_errors.NotImplemented,
    onnx_errors.RuntimeException,
)


def onnx_network(path: Path, device: torch.device) -> Network:
    """Return the network of an .onnx file.

    Args:
        path: the file.
        device: where it runs; on CUDA only where the installed runtime can.

    Raises:
        CheckpointMismatch: damaged, or not as ultralytics exports networks.
    """
    try:
        session = onnxruntime.InferenceSession(path, _quiet(), providers=_providers(device))
    except ONNX_ERRORS as err:
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
    return Network(
        forward=_OnnxForward(session),
        task=str(said.get("task", "")),
        labels=labels_of(said.get("names"), path),
        width_px=width_px,
        height_px=height_px,
        is_suppressed=bool(said.get("end2end")) or has_nms,
        batch_size=batch_size,
    )


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
