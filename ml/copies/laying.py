"""Two pictures at one scale, and the map that lays one on the other."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.copies.features import LocalFeatures, shrunk
from ml.copies.homography import Homography

_OPAQUE = 255
# OpenCV's pixels have their centres at whole numbers, ours at halves.
_TO_CENTRES = np.array([(1, 0, -0.5), (0, 1, -0.5), (0, 0, 1)])


@dataclass(frozen=True, slots=True, eq=False)
class SameScale:
    """Two pictures, small, of which neither has more detail than the other.

    Attributes:
        above: (h, w) or (h, w, 3) uint8, the query.
        below: the same of the candidate, in a size of its own.
        matrix: (3, 3), as OpenCV counts pixels, from `above` to `below`.
        zoom: (2,) pixels of `below` for one of the candidate, across and down.
    """

    above: NDArray[np.uint8]
    below: NDArray[np.uint8]
    matrix: NDArray[np.float64]
    zoom: NDArray[np.float64]

    def laid(self) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return the query in the candidate's pixels, and (h, w), where it shows them."""
        size = (self.below.shape[1], self.below.shape[0])
        shown = np.full(self.above.shape[:2], _OPAQUE, np.uint8)
        above = cv2.warpPerspective(
            self.above, self.matrix, size, borderMode=cv2.BORDER_REPLICATE
        ).astype(np.uint8, copy=False)
        nearest = cv2.warpPerspective(shown, self.matrix, size, flags=cv2.INTER_NEAREST)
        return above, nearest == _OPAQUE


def same_scale(
    query: tuple[NDArray[np.uint8], LocalFeatures],
    candidate: tuple[NDArray[np.uint8], LocalFeatures],
    homography: Homography,
) -> SameScale:
    """Shrink the finer of two small pictures to the other's scale, as the eye sees it from there.

    Args:
        query: its small picture, and its features, which know its size.
        candidate: the same.
        homography: from the query to the candidate.
    """
    (above, ours), (below, theirs) = query, candidate
    largest, smallest = homography.stretches
    scale = abs(largest * smallest) ** 0.5 * _zoom(below, theirs).max() / _zoom(above, ours).max()
    above, below = shrunk(above, min(1.0, scale)), shrunk(below, min(1.0, 1 / scale))
    zoom = _zoom(below, theirs)
    from_above, to_below = np.diag([*(1 / _zoom(above, ours)), 1.0]), np.diag([*zoom, 1.0])
    matrix = _TO_CENTRES @ to_below @ homography.matrix @ from_above @ np.linalg.inv(_TO_CENTRES)
    return SameScale(above, below, matrix, zoom)


def hull(shape: tuple[int, ...], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return (h, w), whether a pixel lies within (K, 2) points."""
    inside = np.zeros(shape, np.uint8)
    if len(points):
        cv2.fillConvexPoly(inside, cv2.convexHull(np.rint(points).astype(np.int32)), 1)
    return inside.astype(bool)


def _zoom(pixels: NDArray[np.uint8], features: LocalFeatures) -> NDArray[np.float64]:
    """Return (2,): pixels of a small picture for one of the picture, across and down."""
    return np.array([pixels.shape[1] / features.width, pixels.shape[0] / features.height])
