from pathlib import Path

import numpy as np
import pytest

import ml.detection.yolo  # noqa: F401 - its library cannot be loaded while output is captured
from tests.contract.detector.onnx_files import save_brightness_network
from tests.contract.encoder.checkpoints import save_yolo

WIDTH, HEIGHT = 64, 32
# Two boxes in a picture of 64 × 32, by middle, width and height, and each one's two confidences:
# the second class grows with the picture's brightness.
ROWS = np.array(
    [
        [16, 48, 0, 0, 0, 0, 0],
        [16, 16, 0, 0, 0, 0, 0],
        [16, 8, 0, 0, 0, 0, 0],
        [8, 16, 0, 0, 0, 0, 0],
        [0.9, 0.0, 0, 0, 0, 0, 0],
        [0.0, 0.1, 0, 0, 0, 0, 0],
    ]
)
BRIGHT = np.zeros_like(ROWS)
BRIGHT[5, 1] = 0.5
METADATA = {
    "task": "detect",
    "names": "{0: 'Cat', 1: ' dog'}",
    "imgsz": f"[{HEIGHT}, {WIDTH}]",
    "end2end": "False",
    "args": "{'nms': False, 'dynamic': False}",
}


@pytest.fixture(scope="session")
def yolo_file(tmp_path_factory) -> Path:
    return save_yolo(tmp_path_factory.mktemp("yolo") / "small.pt", classes=1)


@pytest.fixture
def save_onnx(tmp_path):
    """Save the network above, with other shape, rows or metadata where they are given."""

    def save(name="small.onnx", *, batch=1, size=(HEIGHT, WIDTH), rows=ROWS, **metadata):
        said = {key: value for key, value in (METADATA | metadata).items() if value is not None}
        return save_brightness_network(
            tmp_path / name,
            rows,
            BRIGHT if rows is ROWS else np.zeros_like(rows),
            shape=(batch, 3, *size),
            metadata=said,
        )

    return save
