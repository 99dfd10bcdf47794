"""What a detector is, and what it finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.types import Box

# Far below what is shown to anybody: average precision needs the doubtful ones, too.
CONFIDENCE_FLOOR = 0.001


@dataclass(frozen=True, slots=True)
class Detection:
    """A thing in a picture.

    Attributes:
        box: pixels of the picture, inside it and never empty.
        label: the network's name of its class, English and lower case, as in "dog".
        confidence: the network's belief in it, 0..1.
    """

    box: Box
    label: str
    confidence: float


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """What detections must be recorded with.

    Attributes:
        name: the detector's family, as the registry knows it.
        weights: where the weights came from: a file's or a package's name.
        weights_sha256: hex digest of the weights themselves (see `ml.weights.files.sha256_of`).
        labels: all that it can name, in the network's order.
    """

    name: str
    weights: str
    weights_sha256: str
    labels: tuple[str, ...]


class Detector(Protocol):
    """Finds things in pictures. Does not decode files, choose regions or store anything."""

    @property
    def spec(self) -> DetectorSpec:
        """What the detections are recorded with."""
        ...

    def detect(self, images: Sequence[Image.Image]) -> list[tuple[Detection, ...]]:
        """Find things in pictures. The pictures are not changed.

        Of boxes with the same label that overlap much, only the most confident is kept. All are
        returned down to a confidence of `CONFIDENCE_FLOOR`, or the network's own where that is
        higher; `ml.detection.selection` says which are worth something.

        Args:
            images: N upright RGB pictures, any size ≥ 1 px. The detector cuts them into batches.

        Returns:
            N tuples in input order, the most confident detection first.

        Raises:
            OutOfDeviceMemory: a batch does not fit; the caller may load with a smaller one.
        """
        ...


def detections_of(
    corners: NDArray[np.floating],
    confidences: NDArray[np.floating],
    labels: Sequence[str],
    *,
    width: int,
    height: int,
) -> tuple[Detection, ...]:
    """Return what a network found in one picture, cut at its sides and ordered.

    Args:
        corners: (N, 4) x0, y0, x1, y1 in pixels of the picture, fractions and positions outside of
            it included. Sides are rounded to whole pixels, but no box to nothing. A box that is not
            finite or that has no part in the picture is left out.
        confidences: (N,) 0..1.
        labels: N of them, any case.
        width: of the picture, pixels.
        height: of the picture, pixels.
    """
    order = np.argsort(-confidences, kind="stable")
    order = order[np.isfinite(corners[order]).all(axis=1)]
    low, high = corners[order, :2], corners[order, 2:]
    sides = np.array([width, height])
    order = order[((high > 0) & (low < sides) & (high > low)).all(axis=1)]
    starts = np.rint(corners[order, :2]).clip(0, sides - 1).astype(np.intp)
    ends = np.rint(corners[order, 2:]).clip(starts + 1, sides).astype(np.intp)
    return tuple(
        Detection(Box(x0, y0, x1, y1), labels[index].strip().lower(), confidence)
        for (x0, y0), (x1, y1), index, confidence in zip(
            starts.tolist(), ends.tolist(), order, confidences[order].tolist(), strict=True
        )
    )
