"""Retrieval figures from a score matrix. Ties always count in the worst order.

Of entries with equal scores the negatives rank first, so that a constant score earns no more than
the worst ranking. Queries without positives have no figure of their own: they are left out of the
means over queries, counted beside them, and their pairs are negatives of the pooled figures.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.errors import NoPositives

RECALL_AT = (1, 5, 10)
MAP_AT = 10
ASKED_PRECISIONS = (0.9, 0.99)
# Ranking makes about 40 bytes a pair; this many pairs at a time keep it near 100 MB.
_PAIRS_AT_ONCE = 2_500_000


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


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Where an asked precision is reached with the highest recall.

    Attributes:
        asked_precision: 0..1.
        threshold: lowest score that is accepted; None where no threshold reaches the precision.
        precision: what it is at the threshold; None where no threshold reaches it.
        recall: share of all positive pairs at or above the threshold; 0 where there is none.
    """

    asked_precision: float
    threshold: float | None
    precision: float | None
    recall: float


@dataclass(frozen=True, slots=True)
class RetrievalMetrics:
    """The figures of one trial, all 0..1, and what they were counted over.

    Attributes:
        queries: all queries, those without positives included.
        queries_without_positives: left out of the means over queries, not of the pooled figures.
        gallery: entries searched.
        pairs: judged pairs, that is queries × gallery less the ignored.
        positive_pairs: those of the same subject.
        recall_at: k → share of queries with a positive among their first k.
        mean_average_precision: mean over queries of `QueryFigures.average_precision`.
        mean_average_precision_at_k: the same over the first `MAP_AT` ranks only.
        r_precision: mean over queries of `QueryFigures.r_precision`.
        micro_average_precision: average precision of one ranking of all pairs together.
        at_precision: one for each of `ASKED_PRECISIONS`, over the same ranking.
    """

    queries: int
    queries_without_positives: int
    gallery: int
    pairs: int
    positive_pairs: int
    recall_at: dict[int, float]
    mean_average_precision: float
    mean_average_precision_at_k: float
    r_precision: float
    micro_average_precision: float
    at_precision: tuple[OperatingPoint, ...]

    def figures(self) -> dict[str, float]:
        """Return the figures by the names that `bootstrap.resample` uses too."""
        return {
            **{f"recall_at_{k}": value for k, value in self.recall_at.items()},
            "mean_average_precision": self.mean_average_precision,
            f"mean_average_precision_at_{MAP_AT}": self.mean_average_precision_at_k,
            "r_precision": self.r_precision,
            "micro_average_precision": self.micro_average_precision,
            **{
                recall_at_precision_name(point.asked_precision): point.recall
                for point in self.at_precision
            },
        }


def recall_at_precision_name(asked_precision: float) -> str:
    """Return the figure's name: 0.9 → "recall_at_90_percent_precision"."""
    return f"recall_at_{asked_precision * 100:g}_percent_precision"


def rank(
    scores: NDArray[np.floating],
    positives: NDArray[np.bool_],
    ignored: NDArray[np.bool_] | None = None,
) -> Ranking:
    """Rank a gallery for each query, and all pairs together.

    Args:
        scores: (Q, G) finite, greater is more similar, Q and G ≥ 1.
        positives: (Q, G), whether the gallery's entry is a right answer to the query.
        ignored: (Q, G), pairs that are neither right nor wrong, such as a query and itself where
            the gallery includes the query; None ignores nothing.

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
        for rows in _chunks(*scores.shape)
    ]
    return Ranking(
        queries=QueryFigures(*(np.concatenate(columns) for columns in zip(*parts, strict=True))),
        pairs=_rank_pairs(scores, positives & ~ignored, ~positives & ~ignored),
        gallery=scores.shape[1],
    )


def summarise(ranking: Ranking) -> RetrievalMetrics:
    """Return the figures of a ranking.

    Raises:
        NoPositives: no query has a positive.

    Example:
        >>> scores = np.array([[0.9, 0.4, 0.2], [0.8, 0.5, 0.8]])
        >>> is_positive = np.array([[True, False, False], [False, False, True]])
        >>> found = summarise(rank(scores, is_positive))  # the second query ties: it ranks second
        >>> found.recall_at[1], found.mean_average_precision
        (0.5, 0.75)

    Source: µAP and recall at 90 % precision as in Douze et al., "The 2021 Image Similarity Dataset
        and Challenge", section 5, here over all pairs; R-precision and mAP@R's relatives as in
        Musgrave et al., "A Metric Learning Reality Check", section 3.2.
    """
    queries, pairs = ranking.queries, ranking.pairs
    is_answerable = queries.positives > 0
    if not is_answerable.any():
        raise NoPositives(f"None of the {len(is_answerable)} queries has a positive.")
    first_rank = queries.first_rank[is_answerable]
    precision = pairs.precision()
    return RetrievalMetrics(
        queries=len(is_answerable),
        queries_without_positives=int((~is_answerable).sum()),
        gallery=ranking.gallery,
        pairs=len(pairs.scores) + len(pairs.negative_query),
        positive_pairs=len(pairs.scores),
        recall_at={k: float((first_rank <= k).mean()) for k in RECALL_AT},
        mean_average_precision=float(queries.average_precision[is_answerable].mean()),
        mean_average_precision_at_k=float(queries.average_precision_at_k[is_answerable].mean()),
        r_precision=float(queries.r_precision[is_answerable].mean()),
        micro_average_precision=float(precision.mean()),
        at_precision=tuple(
            _operating_point(pairs.scores, precision, asked) for asked in ASKED_PRECISIONS
        ),
    )


def operating_point(
    scores: NDArray[np.floating], is_positive: NDArray[np.bool_], asked_precision: float
) -> OperatingPoint:
    """Return where pairs reach a precision with the highest recall.

    Args:
        scores: (N,) finite.
        is_positive: (N,), whether each pair is a right one.
        asked_precision: 0..1.

    Raises:
        NoPositives: no pair is a right one.
    """
    ranking = rank(scores[None], is_positive[None]).pairs
    if not len(ranking.scores):
        raise NoPositives(f"None of the {len(scores)} pairs is a positive one.")
    return _operating_point(ranking.scores, ranking.precision(), asked_precision)


def _operating_point(
    scores: NDArray[np.float64], precision: NDArray[np.float64], asked: float
) -> OperatingPoint:
    # Within a tie the precision only rises, so the last that suffices is the end of its tie: a
    # threshold there accepts exactly the pairs counted.
    (sufficient,) = np.nonzero(precision >= asked)
    if not len(sufficient):
        return OperatingPoint(asked, threshold=None, precision=None, recall=0.0)
    last = int(sufficient[-1])
    return OperatingPoint(
        asked,
        threshold=float(scores[last]),
        precision=float(precision[last]),
        recall=(last + 1) / len(scores),
    )


def _chunks(queries: int, gallery: int) -> Iterator[slice]:
    step = max(1, _PAIRS_AT_ONCE // gallery)
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
