"""Which features of two pictures look alike, and which of those pairs tell the same story."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.copies.features import MIRRORED_BINS, LocalFeatures

# A pair counts if its distance is below this share of the second nearest feature's. Source: Lowe,
# IJCV 2004, section 7.1, where 0.8 drops 90 % of the wrong pairs and 5 % of the right ones.
_MAX_DISTANCE_RATIO = 0.8
# Of a dot product of 128 float32: a feature that occurs twice must not win over its double by it.
_ROUNDING = 1e-5
# How exactly pairs agree on the change of scale and the turn: about as well as a keypoint knows its
# size and direction under perspective. Source: Lowe, section 7.4: bins of a factor 2, 30 degrees.
_SCALE_TOLERANCE_OCTAVES = 0.75
_ANGLE_TOLERANCE_DEGREES = 25.0
_HALF_TURN_DEGREES = 180.0
_MIN_FEATURES = 2
_HALF = len(MIRRORED_BINS) // 2  # no bin is its own partner, and the partners of these follow
_MIRROR_SIGNS = np.repeat(np.array([1, -1], np.float32), _HALF)

# Of pictures with many features every third of the query is matched first, weak ones among them
# (of a caption all are strong): where fewer pairs agree than these, all of them are not tried. Of
# 744 copies that are proved without this none is lost, the weakest of which has 8 pairs; of
# different pictures 6 in 100 go on. Small pictures have few pairs to spare, and take little time.
_PROBE_STEP, _MIN_PROBED_PAIRS, _PROBED_FROM = 3, 2, 100
# Columns among which a near neighbour is looked for, before all are.
_GLANCE = 128
_NO_SCORE = -1.0


@dataclass(frozen=True, slots=True, eq=False)
class Matchable:
    """Features, and what is computed of them once for all matches.

    Attributes:
        features: K of them.
        descriptors: (K, 128) float32 of unit length: sums of the bins that a mirror image
            exchanges, then their differences. So a mirrored picture's have the same sums and the
            opposite differences, and two products of half the width tell the scores of both.
    """

    features: LocalFeatures
    descriptors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.descriptors)

    @classmethod
    def of(cls, features: LocalFeatures) -> "Matchable":
        """Return features that are ready to be matched."""
        bins = features.descriptors()
        partners = bins[:, MIRRORED_BINS[:_HALF]]
        descriptors = np.empty_like(bins)
        np.add(bins[:, :_HALF], partners, out=descriptors[:, :_HALF])
        np.subtract(bins[:, :_HALF], partners, out=descriptors[:, _HALF:])
        descriptors *= np.float32(0.5**0.5)
        return cls(features, descriptors)

    def mirrored(self) -> "Matchable":
        """Return the features of the mirror image, in the same order."""
        return Matchable(self.features.mirrored(), self.descriptors * _MIRROR_SIGNS)


@dataclass(frozen=True, slots=True, eq=False)
class MatchQuery:
    """A query that is matched with many candidates, as it is and mirrored.

    Attributes:
        as_it_is: its features.
        mirrored: those of its mirror image, in the same order.
    """

    as_it_is: Matchable
    mirrored: Matchable

    def __len__(self) -> int:
        return len(self.as_it_is)

    @classmethod
    def of(cls, features: LocalFeatures) -> "MatchQuery":
        """Return a query that is ready to be matched."""
        as_it_is = Matchable.of(features)
        return cls(as_it_is, as_it_is.mirrored())


def match(query: MatchQuery, candidate: Matchable) -> Iterator[NDArray[np.intp]]:
    """Yield pairs of features that look like each other and like nothing else.

    Each is the other's nearest, much nearer than the second, and all pairs agree on one change of
    scale and one turn, the one that most pairs tell of. Repeated patterns drop out, since their
    second nearest is as near.

    Yields:
        Twice (M, 2): index in the query, index in the candidate; no index occurs twice in a column.
        First of the query as it is, then of its mirror image, computed only when it is asked for.
    """
    if min(len(query), len(candidate)) < _MIN_FEATURES:
        yield from (np.empty((0, 2), np.intp), np.empty((0, 2), np.intp))
        return
    is_probed = min(len(query), len(candidate)) >= _PROBED_FROM
    ours = query.as_it_is.descriptors[:: _PROBE_STEP if is_probed else 1]
    theirs = candidate.descriptors
    sums = ours[:, :_HALF] @ theirs[:, :_HALF].T
    differences = ours[:, _HALF:] @ theirs[:, _HALF:].T
    for side, combine in ((query.as_it_is, np.add), (query.mirrored, np.subtract)):
        scores = combine(sums, differences)
        if is_probed:
            probed = _probed_pairs(side, candidate, scores)
            if len(_agreeing(side, candidate, probed)) < _MIN_PROBED_PAIRS:
                yield probed[:0]
                continue
            scores = side.descriptors @ theirs.T
        yield _agreeing(side, candidate, _distinct_pairs(scores))


def _distinct_pairs(scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return (M, 2) rows and columns that are each other's best, with a second much worse.

    Args:
        scores: (Q, C) of all features of the query and of the candidate; both at least 2.
    """
    nearest = scores.argmax(axis=1)
    rows = np.flatnonzero(scores.argmax(axis=0)[nearest] == np.arange(len(scores)))
    return _with_far_second(scores, rows, nearest[rows])


def _probed_pairs(
    query: Matchable, candidate: Matchable, scores: NDArray[np.float32]
) -> NDArray[np.intp]:
    """Return those of the pairs of all features that begin in every `_PROBE_STEP`-th of the query.

    Args:
        query: Q features.
        candidate: C features.
        scores: (P, C) of these features of the query.
    """
    nearest = scores.argmax(axis=1)
    rows = np.arange(len(scores))
    # Most have a near second among a few columns: what is best there is not above the second.
    others = scores[:, :_GLANCE].copy()
    is_seen = nearest < others.shape[1]
    others[rows[is_seen], nearest[is_seen]] = _NO_SCORE
    rows = np.flatnonzero(_is_distinct(scores[rows, nearest], others.max(axis=1)))
    pairs = _with_far_second(scores, rows, nearest[rows])
    backwards = query.descriptors @ candidate.descriptors[pairs[:, 1]].T
    pairs[:, 0] *= _PROBE_STEP
    mutual: NDArray[np.intp] = pairs[backwards.argmax(axis=0) == pairs[:, 0]]
    return mutual


def _with_far_second(
    scores: NDArray[np.float32], rows: NDArray[np.intp], nearest: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return (M, 2) those of the rows, with the nearest of each, whose second is much farther."""
    others = scores[rows]
    positions = np.arange(len(rows))
    first = others[positions, nearest]
    others[positions, nearest] = _NO_SCORE
    pairs: NDArray[np.intp] = np.stack([rows, nearest], axis=1)
    return pairs[_is_distinct(first, others.max(axis=1))]


def _is_distinct(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.bool_]:
    # Between rows of unit length the squared distance is twice what the score lacks of 1.
    is_distinct: NDArray[np.bool_] = 1 - first < _MAX_DISTANCE_RATIO**2 * (1 - second) - _ROUNDING
    return is_distinct


def _agreeing(query: Matchable, candidate: Matchable, pairs: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the pairs that agree with the pair that most others agree with."""
    if len(pairs) == 0:
        return pairs
    rows, columns = pairs.T
    sizes = candidate.features.sizes()[columns] / query.features.sizes()[rows]
    turns = candidate.features.angles()[columns] - query.features.angles()[rows]
    # Angles are whole numbers of 65,536ths: float32 holds them, and their differences, exactly.
    agrees = _differences(np.log2(sizes)) < _SCALE_TOLERANCE_OCTAVES
    between = _differences(turns % (2 * _HALF_TURN_DEGREES))
    between -= _HALF_TURN_DEGREES  # what is nearly a whole turn apart is near, too
    agrees &= np.abs(between, out=between) > _HALF_TURN_DEGREES - _ANGLE_TOLERANCE_DEGREES
    best = int(agrees.sum(axis=1).argmax())
    agreeing: NDArray[np.intp] = pairs[agrees[best]]
    return agreeing


def _differences(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return (M, M) float32, how far each of (M,) is from each."""
    narrow = values.astype(np.float32)
    differences: NDArray[np.float32] = narrow[:, None] - narrow
    np.abs(differences, out=differences)
    return differences
