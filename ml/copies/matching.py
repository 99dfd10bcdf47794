"""Which features of two pictures look alike, and which of those pairs tell the same story."""

import numpy as np
from numpy.typing import NDArray

from ml.copies.features import LocalFeatures

# A pair counts if its distance is below this share of the second nearest feature's. Source: Lowe,
# IJCV 2004, section 7.1, where 0.8 drops 90 % of the wrong pairs and 5 % of the right ones.
_MAX_DISTANCE_RATIO = 0.8
# Of a dot product of 128 float32: a feature that occurs twice must not win over its double by it.
_ROUNDING = 1e-5
# How exactly pairs agree on the change of scale and the turn: about as well as a keypoint knows its
# size and direction under perspective. Source: Lowe, section 7.4: bins of a factor 2, 30 degrees.
_SCALE_TOLERANCE_OCTAVES = 0.75
_ANGLE_TOLERANCE_DEGREES = 25.0
_MIN_FEATURES = 2


def match(query: LocalFeatures, candidate: LocalFeatures) -> NDArray[np.intp]:
    """Return pairs of features that look like each other and like nothing else.

    Each is the other's nearest, much nearer than the second, and all pairs agree on one change of
    scale and one turn, the one that most pairs tell of. Repeated patterns drop out, since their
    second nearest is as near.

    Returns:
        (M, 2): index in the query, index in the candidate. No index occurs twice in a column.
    """
    pairs = _distinct_pairs(query.descriptors(), candidate.descriptors())
    agreeing: NDArray[np.intp] = pairs[_agreeing(query, candidate, pairs)]
    return agreeing


def _distinct_pairs(query: NDArray[np.float32], candidate: NDArray[np.float32]) -> NDArray[np.intp]:
    if min(len(query), len(candidate)) < _MIN_FEATURES:
        return np.empty((0, 2), np.intp)
    scores = query @ candidate.T
    nearest = scores.argmax(axis=1)
    rows = np.flatnonzero(scores.argmax(axis=0)[nearest] == np.arange(len(query)))
    columns = nearest[rows]
    others = scores[rows]
    first = others[np.arange(len(rows)), columns]
    others[np.arange(len(rows)), columns] = -1.0
    # Between rows of unit length the squared distance is twice what the score lacks of 1.
    is_distinct = 1 - first < _MAX_DISTANCE_RATIO**2 * (1 - others.max(axis=1)) - _ROUNDING
    pairs: NDArray[np.intp] = np.stack([rows, columns], axis=1)[is_distinct]
    return pairs


def _agreeing(
    query: LocalFeatures, candidate: LocalFeatures, pairs: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Return which pairs agree with the pair that most others agree with."""
    if len(pairs) == 0:
        return np.zeros(0, np.bool_)
    scales = np.log2(candidate.sizes()[pairs[:, 1]] / query.sizes()[pairs[:, 0]])
    turns = candidate.angles()[pairs[:, 1]] - query.angles()[pairs[:, 0]]
    is_same_scale = np.abs(scales[:, None] - scales) < _SCALE_TOLERANCE_OCTAVES
    between = (turns[:, None] - turns + 180) % 360 - 180
    agrees: NDArray[np.bool_] = is_same_scale & (np.abs(between) < _ANGLE_TOLERANCE_DEGREES)
    best = int(agrees.sum(axis=1).argmax())
    return agrees[best, :]
