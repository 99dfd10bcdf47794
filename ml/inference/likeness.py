"""Which cells of two pictures are alike, as an encoder sees them."""

import numpy as np
from numpy.typing import NDArray

from ml.encoders.base import FeatureMap

_SCALE = 255


def cell_likeness(first: FeatureMap, second: FeatureMap) -> NDArray[np.uint8]:
    """Return how alike each cell of one picture is to each of another, both seen by one encoder.

    Any two cells have something in common to an encoder: the median cosine of all pairs is 0, the
    same is 1, and what lies below is 0.

    Returns:
        (N, M) uint8, 0..255 for 0..1; cells row by row, N of the first and M of the second.
    """
    cosines = _rows(first) @ _rows(second).T
    common = float(np.median(cosines))
    if common >= 1:  # all the same: nothing stands out, and everything is alike
        return np.full(cosines.shape, _SCALE, np.uint8)
    shares = np.clip((cosines - common) / (1 - common), 0, 1)
    scaled: NDArray[np.uint8] = np.rint(shares * _SCALE).astype(np.uint8)
    return scaled


def _rows(cells: FeatureMap) -> NDArray[np.float32]:
    return cells.features.reshape(-1, cells.features.shape[2])
