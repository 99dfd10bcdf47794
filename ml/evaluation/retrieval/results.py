"""What came of a plan's trials: figures with intervals, comparisons, curves and failures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.retrieval.bootstrap import Difference, Interval
from ml.evaluation.retrieval.metrics import RetrievalMetrics


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision at falling thresholds: (P,) recall rising 0..1 and (P,) precision."""

    panel: str
    line: str
    recall: NDArray[np.float64]
    precision: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Failure:
    """A query whose first hit is wrong. `query`, `first` and `best` are indices in `Plan.images`.

    Attributes:
        trial: where it was asked.
        query: what was asked with.
        first: the first hit.
        first_score: its score.
        best: the positive that came first.
        best_rank: its rank, from 2.
        best_score: its score.
        gallery: how many entries were searched.
    """

    trial: str
    query: int
    first: int
    first_score: float
    best: int
    best_rank: int
    best_score: float
    gallery: int


@dataclass(frozen=True, slots=True)
class Row:
    """One system's figures in one trial.

    Attributes:
        trial: its name.
        system: its label.
        metrics: None where nothing could be measured.
        intervals: the figures' names → their intervals.
        why_empty: why there are no metrics, as a sentence.
        curve: None where the trial has no panel.
    """

    trial: str
    system: str
    metrics: RetrievalMetrics | None
    intervals: dict[str, Interval]
    why_empty: str = ""
    curve: Curve | None = None


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Differences of one system's figures less the first system's, on the same queries."""

    trial: str
    system: str
    against: str
    differences: dict[str, Difference]


@dataclass(frozen=True, slots=True)
class RetrievalResult:
    """What all trials gave; failures are the first system's, worst first in each trial."""

    rows: tuple[Row, ...]
    comparisons: tuple[PairedComparison, ...]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]
