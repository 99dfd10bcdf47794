"""How sure a figure is: percentile bootstrap over queries, and two encoders on the same queries.

Queries that were made from the same picture, or show the same cut-out, rise and fall together.
They are drawn together, as one unit; otherwise the intervals would be too narrow.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.retrieval.metrics import (
    ASKED_PRECISIONS,
    RECALL_AT,
    recall_at_precision_name,
)
from ml.evaluation.retrieval.ranking import MAP_AT, PairRanking, Ranking

CONFIDENCE = 0.95
# Positive pairs at a time: with 1,000 resamples each array of the loop then has 16 MB.
_PAIRS_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class Interval:
    """The range that holds the middle `CONFIDENCE` of the resamples."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of an encoder less that of another, on the same queries.

    Attributes:
        value: on the queries as they are.
        interval: over the resamples.
        share_above_zero: the share of resamples in which the first is better, 0..1.
    """

    value: float
    interval: Interval
    share_above_zero: float


def draw(units: int, *, resamples: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw units with replacement, as many as there are, again and again.

    Returns:
        (B, U) float32: how often resample B drew unit U; rows sum to U.
    """
    drawn = rng.multinomial(units, np.full(units, 1 / units), size=resamples)
    return drawn.astype(np.float32)


def resample(
    ranking: Ranking, unit_of_query: NDArray[np.int64], drawn: NDArray[np.float32]
) -> dict[str, NDArray[np.float64]]:
    """Return each figure in each resample.

    Args:
        ranking: as `ranking.rank` returns it.
        unit_of_query: (Q,), which of the U units a query belongs to.
        drawn: (B, U), as `draw` returns it.

    Returns:
        The names of `RetrievalMetrics.figures` → (B,) float64; NaN where a resample drew no query
        with a positive. A pair that was drawn n times weighs n, at the middle rank of its n
        repetitions.
    """
    queries = ranking.queries
    is_answerable = queries.positives > 0
    columns: dict[str, NDArray[np.floating]] = {
        f"recall_at_{k}": (queries.first_rank <= k).astype(np.float64) for k in RECALL_AT
    }
    columns["mean_average_precision"] = queries.average_precision
    columns[f"mean_average_precision_at_{MAP_AT}"] = queries.average_precision_at_k
    columns["r_precision"] = queries.r_precision
    units = unit_of_query[is_answerable]
    weight = drawn @ np.bincount(units, minlength=drawn.shape[1])
    figures = {
        name: _ratio(
            drawn @ np.bincount(units, values[is_answerable], minlength=drawn.shape[1]), weight
        )
        for name, values in columns.items()
    }
    return figures | _pooled(ranking.pairs, unit_of_query, drawn)


def interval(values: NDArray[np.float64]) -> Interval:
    """Return the percentile interval of (B,) resampled figures; NaN among them are left out.

    Where nothing but NaN is left, the figure may be anything between -1 and 1.
    """
    if np.isnan(values).all():
        return Interval(-1.0, 1.0)
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.nanpercentile(values, [tail, 100 - tail])
    return Interval(float(low), float(high))


def compare(
    first: float,
    second: float,
    first_resampled: NDArray[np.float64],
    second_resampled: NDArray[np.float64],
) -> Difference:
    """Return how much the first is better than the second.

    Args:
        first: the figure on the queries as they are.
        second: the same figure of the other encoder.
        first_resampled: (B,), resampled with the same draw as the next.
        second_resampled: (B,).
    """
    differences = first_resampled - second_resampled
    return Difference(
        value=first - second,
        interval=interval(differences),
        share_above_zero=float((differences > 0).sum() / max(1, (~np.isnan(differences)).sum())),
    )


def _pooled(
    pairs: PairRanking, unit_of_query: NDArray[np.int64], drawn: NDArray[np.float32]
) -> dict[str, NDArray[np.float64]]:
    """Return µAP and recall at the asked precisions, chunk by chunk down the ranking."""
    resamples, units = drawn.shape
    weights = np.ascontiguousarray(drawn.T)
    positive_unit = unit_of_query[pairs.positive_query]
    negative_unit = unit_of_query[pairs.negative_query]
    found, wrong, gained = (np.zeros(resamples) for _ in range(3))
    best = {asked: np.zeros(resamples) for asked in ASKED_PRECISIONS}
    for start in range(0, len(positive_unit), _PAIRS_AT_ONCE):
        weight = weights[positive_unit[start : start + _PAIRS_AT_ONCE]]
        rows = len(weight)
        is_here = (pairs.negative_index >= start) & (pairs.negative_index < start + rows)
        cells = (pairs.negative_index[is_here] - start) * units + negative_unit[is_here]
        counts = np.bincount(cells, minlength=rows * units).reshape(rows, units)
        new_wrong = counts.astype(np.float32) @ weights
        all_found = found + np.cumsum(weight, axis=0, dtype=np.float64)
        all_wrong = wrong + np.cumsum(new_wrong, axis=0, dtype=np.float64)
        # Where nothing was drawn so far there is no precision, and a weight of 0 leaves it out.
        precision = all_found / np.maximum(all_found + all_wrong, 1)
        middle = all_found - np.maximum(weight - 1, 0) / 2
        gained += (weight * (middle / np.maximum(middle + all_wrong, 1))).sum(axis=0)
        for asked, recall in best.items():
            enough = np.where(precision >= asked, all_found, 0.0).max(axis=0)
            np.maximum(recall, enough, out=recall)
        found, wrong = all_found[-1], all_wrong[-1]
    return {"micro_average_precision": _ratio(gained, found)} | {
        recall_at_precision_name(asked): _ratio(recall, found) for asked, recall in best.items()
    }


def _ratio(sums: NDArray[np.floating], weights: NDArray[np.floating]) -> NDArray[np.float64]:
    unknown = np.full(len(weights), np.nan)
    np.divide(sums, weights, out=unknown, where=weights > 0)
    return unknown
