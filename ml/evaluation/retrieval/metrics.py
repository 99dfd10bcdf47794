"""Retrieval figures of a ranking: means over queries, and precision and recall over all pairs.

Queries without positives have no figure of their own: they are left out of the means over queries,
counted beside them, and their pairs are negatives of the pooled figures.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.errors import NoPositives
from ml.evaluation.retrieval.ranking import MAP_AT, Ranking, rank

RECALL_AT = (1, 5, 10)
ASKED_PRECISIONS = (0.9, 0.99)


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
