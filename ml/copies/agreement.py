"""Whether two pictures, laid on each other, have their lights and darks at the same positions."""

import numpy as np
from numpy.typing import NDArray

from ml.copies.features import LocalFeatures
from ml.copies.homography import Homography
from ml.copies.laying import hull, same_scale

# Fewer pixels in common than these say nothing.
_MIN_COMMON_PX = 16


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
    pair = same_scale((query.thumbnail, query), (candidate.thumbnail, candidate), homography)
    laid, is_common = pair.laid()
    if within is not None:
        is_common &= hull(pair.below.shape, within * pair.zoom)
    if is_common.sum() < _MIN_COMMON_PX:
        return 0.0
    return _correlation(laid[is_common], pair.below[is_common])


def _correlation(first: NDArray[np.generic], second: NDArray[np.generic]) -> float:
    """Return Pearson's correlation of two (N,) arrays; 0 where one of them is constant."""
    deviations = [values - values.mean(dtype=np.float64) for values in (first, second)]
    length = float(np.linalg.norm(deviations[0]) * np.linalg.norm(deviations[1]))
    return float(deviations[0] @ deviations[1]) / length if length > 0 else 0.0
