"""A score matrix, ranked query by query and pair by pair. Ties always count in the worst order.

Of entries with equal scores the negatives rank first, so that a constant score earns no more than
the worst ranking.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAP_AT = 10
# Ranking makes about 40 bytes a pair; this many pairs at a time keep it near 100 MB.
MAX_PAIRS_AT_ONCE = 2_500_000


@dataclass(frozen=True, slots=True)
class QueryFigures:
    """The figures of each of Q queries, in input order.

    Attributes:
        positives: (Q,) int64, how many positives each query has in the gallery.
        first_rank: (Q,) int64, the rank of its first positive, from 1; 0 where it has none.
        average_precision: (Q,) float64, 0..1; NaN where it has none, as in the next two.
        average_precision_at_k: (Q,) float64, over the first `MAP_AT` ranks only: the sum of the
            precisions at the positives there over min(positives, `MAP_AT`).
        r_precision: (Q,) float64, the share of positives among the first R, R = its positives.
    """

    positives: NDArray[np.int64]
    first_rank: NDArray[np.int64]
    average_precision: NDArray[np.float64]
    average_precision_at_k: NDArray[np.float64]
    r_precision: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairRanking:
    """All pairs of all queries in one ranking of falling score.

    Attributes:
        scores: (P,) float64, of the P positive pairs, falling.
        positive_query: (P,) int64, which query each is of.
        negative_query: (M,) int64, which query each of the M negative pairs is of.
        negative_index: (M,) int64, 0..P: the first of the P that the negative ranks before.
    """

    scores: NDArray[np.float64]
    positive_query: NDArray[np.int64]
    negative_query: NDArray[np.int64]
    negative_index: NDArray[np.int64]

    def precision(self) -> NDArray[np.float64]:
        """Return (P,) the precision among all pairs down to each positive one."""
        count = len(self.scores)
        negatives = np.cumsum(np.bincount(self.negative_index, minlength=count + 1))[:count]
        found = np.arange(1, count + 1)
        return np.asarray(found / (found + negatives), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Ranking:
    """One trial, ranked query by query and pair by pair."""

    queries: QueryFigures
    pairs: PairRanking
    gallery: int


def rank(
    scores: NDArray[np.floating],
    positives: NDArray[np.bool_],
    ignored: NDArray[np.bool_] | None = None,
    *,
    max_pairs_at_once: int = MAX_PAIRS_AT_ONCE,
) -> Ranking:
    """Rank a gallery for each query, and all pairs together.

    Args:
        scores: (Q, G) finite, greater is more similar, Q and G ≥ 1.
        positives: (Q, G), whether the gallery's entry is a right answer to the query.
        ignored: (Q, G), pairs that are neither right nor wrong, such as a query and itself where
            the gallery includes the query; None ignores nothing.
        max_pairs_at_once: whole queries are ranked together up to this many pairs.

    Raises:
        ValueError: the shapes differ, are empty, or a score is not finite.
    """
    if ignored is None:
        ignored = np.zeros(np.shape(positives), dtype=np.bool_)
    if scores.ndim != 2 or 0 in scores.shape:  # noqa: PLR2004 - a matrix has two axes
        raise ValueError(f"expected (Q, G) scores, both at least 1, got {scores.shape}")
    if positives.shape != scores.shape or ignored.shape != scores.shape:
        raise ValueError(f"scores, positives and ignored differ in shape: {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    parts = [
        _rank_queries(scores[rows], positives[rows], ignored[rows])
        for rows in _chunks(*scores.shape, max_pairs=max_pairs_at_once)
    ]
    return Ranking(
        queries=QueryFigures(*(np.concatenate(columns) for columns in zip(*parts, strict=True))),
        pairs=_rank_pairs(scores, positives & ~ignored, ~positives & ~ignored),
        gallery=scores.shape[1],
    )


def _chunks(queries: int, gallery: int, *, max_pairs: int) -> Iterator[slice]:
    step = max(1, max_pairs // gallery)
    return (slice(start, start + step) for start in range(0, queries, step))


def _rank_queries(
    scores: NDArray[np.floating], positives: NDArray[np.bool_], ignored: NDArray[np.bool_]
) -> tuple[NDArray[np.generic], ...]:
    """Return the columns of `QueryFigures`, in its order."""
    positives = positives & ~ignored
    keys = np.where(ignored, np.inf, -scores)  # ascending: ignored entries go behind all others
    order = np.lexsort((positives, keys), axis=1)
    ranked = np.take_along_axis(positives, order, axis=1)
    found = np.cumsum(ranked, axis=1, dtype=np.int64)
    total = found[:, -1]
    precision = np.where(ranked, found / np.arange(1, ranked.shape[1] + 1), 0.0)
    has_none = total == 0
    divisor = np.where(has_none, 1, total)
    at_r = np.take_along_axis(found, divisor[:, None] - 1, axis=1)[:, 0]

    def or_nan(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(has_none, np.nan, values)

    return (
        total,
        np.where(has_none, 0, ranked.argmax(axis=1) + 1),
        or_nan(precision.sum(axis=1) / divisor),
        or_nan(precision[:, :MAP_AT].sum(axis=1) / np.minimum(divisor, MAP_AT)),
        or_nan(at_r / divisor),
    )


def _rank_pairs(
    scores: NDArray[np.floating], positives: NDArray[np.bool_], negatives: NDArray[np.bool_]
) -> PairRanking:
    positive_query = np.nonzero(positives)[0]
    positive_scores = scores[positives].astype(np.float64)
    order = np.argsort(-positive_scores, kind="stable")
    rising = positive_scores[order][::-1]
    # Right of equal scores, counted from the end: the negative ranks before all it ties with.
    index = len(rising) - np.searchsorted(
        rising, scores[negatives].astype(np.float64), side="right"
    )
    return PairRanking(
        scores=positive_scores[order],
        positive_query=positive_query[order],
        negative_query=np.nonzero(negatives)[0],
        negative_index=index,
    )
