"""Whether two pictures, laid on each other, have their lights and darks at the same positions."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.copies.features import LocalFeatures
from ml.copies.homography import Homography

# Fewer pixels in common than these say nothing.
_MIN_COMMON_PX = 16
_COVERED = 0.999
# OpenCV's pixels have their centres at whole numbers, ours at halves.
_TO_CENTRES = np.array([(1, 0, -0.5), (0, 1, -0.5), (0, 0, 1)])


def agreement(
    query: LocalFeatures,
    candidate: LocalFeatures,
    homography: Homography,
    *,
    within: NDArray[np.float64] | None = None,
) -> float:
    """Return the correlation of two pictures where they overlap, in their thumbnails' detail.

    Blind to brightness and contrast. The finer thumbnail is shrunk to the other's scale first, as
    the eye would see it from there.

    Args:
        query: mirrored where it lies mirrored.
        candidate: the other.
        homography: from the query to the candidate.
        within: (K, 2) points of the candidate; what lies outside of them is left out. None is all.

    Returns:
        -1..1; 0 where one of them has one tone only or they have too little in common.
    """
    largest, smallest = homography.stretches()
    query_zoom, candidate_zoom = (
        _zoom(query.thumbnail, query),
        _zoom(candidate.thumbnail, candidate),
    )
    scale = abs(largest * smallest) ** 0.5 * candidate_zoom.max() / query_zoom.max()
    above = _shrunk(query.thumbnail, min(1.0, scale))
    below = _shrunk(candidate.thumbnail, min(1.0, 1 / scale))
    from_above = np.diag([*(1 / _zoom(above, query)), 1.0])
    to_below = np.diag([*_zoom(below, candidate), 1.0])
    matrix = _TO_CENTRES @ to_below @ homography.matrix @ from_above @ np.linalg.inv(_TO_CENTRES)
    size = (below.shape[1], below.shape[0])
    laid = cv2.warpPerspective(above, matrix, size)
    is_common = cv2.warpPerspective(np.ones_like(above), matrix, size) > _COVERED
    if within is not None:
        hull = cv2.convexHull(np.rint(within * _zoom(below, candidate)).astype(np.int32))
        inside = np.zeros(below.shape, np.uint8)
        is_common &= cv2.fillConvexPoly(inside, hull, 1).astype(bool)
    if is_common.sum() < _MIN_COMMON_PX:
        return 0.0
    return _correlation(laid[is_common], below[is_common])


def _zoom(thumbnail: NDArray[np.generic], features: LocalFeatures) -> NDArray[np.float64]:
    """Return (2,): pixels of a thumbnail for one of the picture, across and down."""
    height, width = thumbnail.shape
    return np.array([width / features.width, height / features.height])


def _shrunk(thumbnail: NDArray[np.uint8], factor: float) -> NDArray[np.float32]:
    size = [max(1, round(side * factor)) for side in reversed(thumbnail.shape)]
    small = cv2.resize(thumbnail, size, interpolation=cv2.INTER_AREA)
    return small.astype(np.float32)


def _correlation(first: NDArray[np.generic], second: NDArray[np.generic]) -> float:
    """Return Pearson's correlation of two (N,) arrays; 0 where one of them is constant."""
    deviations = [values - values.mean(dtype=np.float64) for values in (first, second)]
    length = float(np.linalg.norm(deviations[0]) * np.linalg.norm(deviations[1]))
    return float(deviations[0] @ deviations[1]) / length if length > 0 else 0.0
