"""A plan's trials, run: each scored by each system."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.errors import EvaluationDataInvalid, NoPositives
from ml.evaluation.embedding import Embedded
from ml.evaluation.retrieval import bootstrap
from ml.evaluation.retrieval.metrics import summarise
from ml.evaluation.retrieval.plan import Plan, Trial
from ml.evaluation.retrieval.ranking import Ranking, rank
from ml.evaluation.retrieval.results import (
    Curve,
    Failure,
    PairedComparison,
    RetrievalResult,
    Row,
)
from ml.evaluation.retrieval.systems import System

# A trial's matrices take about 30 bytes a pair: 6 GB at this many.
MAX_PAIRS = 200_000_000
_CURVE_POINTS = 400
_MAX_FAILURES_PER_TRIAL = 24


@dataclass(frozen=True, slots=True)
class _RankedTrial:
    """A trial's readable queries and entries, and what is right between them."""

    queries: NDArray[np.int64]
    gallery: NDArray[np.int64]
    positives: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    unit_of_query: NDArray[np.int64]


def run(
    plan: Plan,
    embedded: Embedded,
    systems: Sequence[System],
    *,
    resamples: int,
    rng: np.random.Generator,
    max_pairs: int = MAX_PAIRS,
) -> RetrievalResult:
    """Score every trial with every system.

    Args:
        plan: what is asked.
        embedded: says which images can be used.
        systems: the first is the one that others are compared with, and whose failures are shown.
        resamples: of the bootstrap, ≥ 1; the same for all systems.
        rng: draws them.
        max_pairs: of one trial.

    Raises:
        NoPositives: in no trial has any query a positive.
        EvaluationDataInvalid: a trial has too many pairs for memory.
    """
    plan, notes = _without_duplicates(plan, embedded)
    rows: list[Row] = []
    comparisons: list[PairedComparison] = []
    failures: list[Failure] = []
    for trial in plan.trials:
        judged = _judge(plan, trial, embedded, max_pairs)
        if not (judged.positives & ~judged.ignored).any():
            why = f"None of {len(judged.queries)} queries has a positive."
            rows += [Row(trial.name, system.label, None, {}, why) for system in systems]
            continue
        drawn = bootstrap.draw(int(judged.unit_of_query.max()) + 1, resamples=resamples, rng=rng)
        added, resampled = [], []
        for system in systems:
            scores = system.score(judged.queries, judged.gallery)
            ranking = rank(scores, judged.positives, judged.ignored)
            resampled.append(bootstrap.resample(ranking, judged.unit_of_query, drawn))
            added.append(_row(trial, system, ranking, resampled[-1]))
            if trial.shows_failures and system is systems[0]:
                failures += _failures(trial, judged, scores, ranking)
        rows += added
        comparisons += _comparisons(added, resampled)
    if all(row.metrics is None for row in rows):
        raise NoPositives(
            "No query has a positive in any trial; a subject needs two pictures or more."
        )
    return RetrievalResult(tuple(rows), tuple(comparisons), tuple(failures), (*plan.notes, *notes))


def _without_duplicates(plan: Plan, embedded: Embedded) -> tuple[Plan, tuple[str, ...]]:
    """Drop distractors that are the very file of a picture with a subject: they would be right."""
    known = {
        digest
        for image, digest in zip(plan.images, embedded.sha256, strict=True)
        if image.subject is not None
    }
    dropped = {index for index in plan.distractors if embedded.sha256[index] in known}
    if not dropped:
        return plan, ()
    trials = tuple(
        replace(trial, gallery=tuple(index for index in trial.gallery if index not in dropped))
        for trial in plan.trials
    )
    note = f"{len(dropped)} distractors are the same file as an original and were left out."
    return replace(plan, trials=trials), (note,)


def _judge(plan: Plan, trial: Trial, embedded: Embedded, max_pairs: int) -> _RankedTrial:
    queries, gallery = (
        np.array([index for index in indices if embedded.is_readable[index]], dtype=np.int64)
        for indices in (trial.queries, trial.gallery)
    )
    if len(queries) * len(gallery) > max_pairs:
        raise EvaluationDataInvalid(
            f"{trial.name}: {len(queries)} queries × {len(gallery)} pictures are more than"
            f" {max_pairs:,} pairs; use --limit.",
            trial=trial.name,
        )
    asked = [plan.images[index] for index in queries]
    searched = [plan.images[index] for index in gallery]
    codes = {
        name: code for code, name in enumerate(dict.fromkeys(image.subject for image in searched))
    }
    query_codes = np.array([codes.get(image.subject, -1) for image in asked], dtype=np.int64)
    entry_codes = np.array(
        [-2 if image.subject is None else codes[image.subject] for image in searched],
        dtype=np.int64,
    )
    paths = {image.path: column for column, image in enumerate(searched)}
    ignored = queries[:, None] == gallery[None, :]
    for row, image in enumerate(asked):
        if image.also_shows in paths:
            ignored[row, paths[image.also_shows]] = True
    units = list(dict.fromkeys(image.unit for image in asked))
    unit_codes = {unit: code for code, unit in enumerate(units)}
    return _RankedTrial(
        queries,
        gallery,
        positives=query_codes[:, None] == entry_codes[None, :],
        ignored=ignored,
        unit_of_query=np.array([unit_codes[image.unit] for image in asked], dtype=np.int64),
    )


def _row(
    trial: Trial, system: System, ranking: Ranking, resampled: dict[str, NDArray[np.float64]]
) -> Row:
    curve = None
    if trial.panel is not None:
        precision = ranking.pairs.precision()
        count = len(precision)
        shown = np.unique(np.linspace(0, count - 1, min(count, _CURVE_POINTS)).round().astype(int))
        curve = Curve(trial.panel, trial.line, (shown + 1) / count, precision[shown])
    return Row(
        trial.name,
        system.label,
        summarise(ranking),
        {name: bootstrap.interval(values) for name, values in resampled.items()},
        curve=curve,
    )


def _comparisons(
    rows: Sequence[Row], resampled: Sequence[dict[str, NDArray[np.float64]]]
) -> list[PairedComparison]:
    first = rows[0]
    comparisons = []
    for row, values in zip(rows[1:], resampled[1:], strict=True):
        if row.metrics is None or first.metrics is None:
            continue
        figures, against = row.metrics.figures(), first.metrics.figures()
        differences = {
            name: bootstrap.compare(figures[name], against[name], values[name], resampled[0][name])
            for name in figures
        }
        comparisons.append(PairedComparison(row.trial, row.system, first.system, differences))
    return comparisons


def _failures(
    trial: Trial, judged: _RankedTrial, scores: NDArray[np.float32], ranking: Ranking
) -> list[Failure]:
    ranks = ranking.queries.first_rank
    failed = [int(row) for row in np.argsort(-ranks, kind="stable") if ranks[row] > 1]
    failures = []
    for row in failed[:_MAX_FAILURES_PER_TRIAL]:
        is_right = judged.positives[row] & ~judged.ignored[row]
        is_wrong = ~judged.positives[row] & ~judged.ignored[row]
        first = int(np.where(is_wrong, scores[row], -np.inf).argmax())
        best = int(np.where(is_right, scores[row], -np.inf).argmax())
        failures.append(
            Failure(
                trial.name,
                query=int(judged.queries[row]),
                first=int(judged.gallery[first]),
                first_score=float(scores[row, first]),
                best=int(judged.gallery[best]),
                best_rank=int(ranks[row]),
                best_score=float(scores[row, best]),
                gallery=int((~judged.ignored[row]).sum()),
            )
        )
    return failures
