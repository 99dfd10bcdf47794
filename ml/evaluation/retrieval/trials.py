"""A plan's trials, scored by each system, with intervals, comparisons, curves and failures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.encoders.base import EncoderSpec
from ml.errors import EvaluationDataInvalid, NoPositives
from ml.evaluation.embedding import Embedded, ObjectEmbeddings
from ml.evaluation.retrieval import bootstrap, metrics, normalisation
from ml.evaluation.retrieval.bootstrap import Difference, Interval
from ml.evaluation.retrieval.metrics import Ranking, RetrievalMetrics
from ml.evaluation.retrieval.plan import Plan, Trial
from ml.regions import RegionKind, pair_score

# A trial's matrices take about 30 bytes a pair: 6 GB at this many.
_MOST_PAIRS = 200_000_000
_CURVE_POINTS = 400
FAILURES_A_TRIAL = 24


@dataclass(frozen=True, slots=True)
class System:
    """One way to score pairs: an encoder, with or without normalisation or objects.

    Attributes:
        label: what the report calls it; unique in a report.
        spec: of the encoder.
        embeddings: (N, D) float32 of the plan's views.
        bias: (N,) float32, see `normalisation.bias`; None scores with the cosine itself.
        objects: those of the views; None scores whole views only. Not both.
    """

    label: str
    spec: EncoderSpec
    embeddings: NDArray[np.float32]
    bias: NDArray[np.float32] | None = None
    objects: ObjectEmbeddings | None = None

    def score(self, queries: NDArray[np.int64], gallery: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (Q, G) scores of views at these places."""
        scores = self.embeddings[queries] @ self.embeddings[gallery].T
        if self.objects is not None:
            return _with_objects(scores, self.embeddings, self.objects, queries, gallery)
        if self.bias is None:
            return scores
        return normalisation.normalised(scores, self.bias[queries], self.bias[gallery])


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision at falling thresholds: (P,) recall rising 0..1 and (P,) precision."""

    panel: str
    line: str
    recall: NDArray[np.float64]
    precision: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Failure:
    """A query whose first hit is wrong. `query`, `first` and `best` are places in `Plan.views`.

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
class Comparison:
    """Differences of one system's figures less the first system's, on the same queries."""

    trial: str
    system: str
    against: str
    differences: dict[str, Difference]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What all trials gave; failures are the first system's, worst first in each trial."""

    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Judged:
    """A trial's readable queries and entries, and what is right between them."""

    queries: NDArray[np.int64]
    gallery: NDArray[np.int64]
    positives: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    unit_of_query: NDArray[np.int64]


def systems_of(
    plan: Plan, embedded: Embedded, encoders: Sequence[tuple[str, EncoderSpec]]
) -> list[System]:
    """Return each encoder as a system, and again with normalised scores, and again with objects.

    Args:
        plan: its background decides about normalised scores.
        embedded: as `embedding.embed` returns it for the same encoders; whether it has objects
            decides about the last.
        encoders: label and spec of each.

    Raises:
        EvaluationDataInvalid: there is a background and none of it can be read, or all of it is
            among the evaluated pictures.
    """
    unused = set(plan.background)
    evaluated = {embedded.sha256[place] for place in range(len(plan.views)) if place not in unused}
    background = [
        place
        for place in plan.background
        if embedded.is_readable[place] and embedded.sha256[place] not in evaluated
    ]
    if plan.background and not background:
        raise EvaluationDataInvalid("No background picture is readable and of no other use.")
    systems = []
    for number, (label, spec) in enumerate(encoders):
        embeddings = embedded.embeddings[number]
        systems.append(System(label, spec, embeddings))
        if background:
            bias = normalisation.bias(embeddings, embeddings[background])
            systems.append(System(f"{label}, normalised", spec, embeddings, bias))
        if embedded.objects:
            objects = embedded.objects[number]
            systems.append(System(f"{label}, with objects", spec, embeddings, objects=objects))
    return systems


def run(
    plan: Plan,
    embedded: Embedded,
    systems: Sequence[System],
    *,
    resamples: int,
    rng: np.random.Generator,
) -> Outcome:
    """Score every trial with every system.

    Args:
        plan: what is asked.
        embedded: says which views can be used.
        systems: the first is the one that others are compared with, and whose failures are shown.
        resamples: of the bootstrap, ≥ 1; the same for all systems.
        rng: draws them.

    Raises:
        NoPositives: in no trial has any query a positive.
        EvaluationDataInvalid: a trial has too many pairs for memory.
    """
    plan, notes = _without_duplicates(plan, embedded)
    rows: list[Row] = []
    comparisons: list[Comparison] = []
    failures: list[Failure] = []
    for trial in plan.trials:
        judged = _judge(plan, trial, embedded)
        if not (judged.positives & ~judged.ignored).any():
            why = f"None of {len(judged.queries)} queries has a positive."
            rows += [Row(trial.name, system.label, None, {}, why) for system in systems]
            continue
        drawn = bootstrap.draw(int(judged.unit_of_query.max()) + 1, resamples=resamples, rng=rng)
        added, resampled = [], []
        for system in systems:
            scores = system.score(judged.queries, judged.gallery)
            ranking = metrics.rank(scores, judged.positives, judged.ignored)
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
    return Outcome(tuple(rows), tuple(comparisons), tuple(failures), (*plan.notes, *notes))


def _with_objects(
    scores: NDArray[np.float32],
    embeddings: NDArray[np.float32],
    objects: ObjectEmbeddings,
    queries: NDArray[np.int64],
    gallery: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return (Q, G) the best score of all pairs of regions, given those of the whole views."""
    asked, searched = (_regions(embeddings, objects, places) for places in (queries, gallery))
    best = scores
    for query_kind, query_rows, query_is_there in asked:
        for kind, rows, is_there in searched:
            pairs = pair_score(query_kind, kind, query_rows @ rows.T)
            is_pair = query_is_there[:, None] & is_there[None, :]
            best = np.where(is_pair, np.maximum(best, pairs), best)
    return best


def _regions(
    embeddings: NDArray[np.float32], objects: ObjectEmbeddings, places: NDArray[np.int64]
) -> list[tuple[RegionKind, NDArray[np.float32], NDArray[np.bool_]]]:
    """Return kind, (P, D) embeddings and (P,) whether there is one: the whole, each object."""
    regions: list[tuple[RegionKind, NDArray[np.float32], NDArray[np.bool_]]] = [
        ("whole", embeddings[places], np.ones(len(places), np.bool_))
    ]
    regions += [
        ("object", objects.embeddings[places, column], objects.is_there[places, column])
        for column in range(objects.is_there.shape[1])
    ]
    return regions


def _without_duplicates(plan: Plan, embedded: Embedded) -> tuple[Plan, tuple[str, ...]]:
    """Drop distractors that are the very file of a picture with a subject: they would be right."""
    known = {
        digest
        for view, digest in zip(plan.views, embedded.sha256, strict=True)
        if view.subject is not None
    }
    dropped = {place for place in plan.distractors if embedded.sha256[place] in known}
    if not dropped:
        return plan, ()
    trials = tuple(
        replace(trial, gallery=tuple(place for place in trial.gallery if place not in dropped))
        for trial in plan.trials
    )
    note = f"{len(dropped)} distractors are the same file as an original and were left out."
    return replace(plan, trials=trials), (note,)


def _judge(plan: Plan, trial: Trial, embedded: Embedded) -> _Judged:
    queries, gallery = (
        np.array([place for place in places if embedded.is_readable[place]], dtype=np.int64)
        for places in (trial.queries, trial.gallery)
    )
    if len(queries) * len(gallery) > _MOST_PAIRS:
        raise EvaluationDataInvalid(
            f"{trial.name}: {len(queries)} queries × {len(gallery)} pictures are more than"
            f" {_MOST_PAIRS:,} pairs; use --limit.",
            trial=trial.name,
        )
    asked = [plan.views[place] for place in queries]
    searched = [plan.views[place] for place in gallery]
    codes = {name: code for code, name in enumerate(dict.fromkeys(v.subject for v in searched))}
    query_codes = np.array([codes.get(view.subject, -1) for view in asked], dtype=np.int64)
    entry_codes = np.array(
        [-2 if view.subject is None else codes[view.subject] for view in searched], dtype=np.int64
    )
    paths = {view.path: column for column, view in enumerate(searched)}
    ignored = queries[:, None] == gallery[None, :]
    for row, view in enumerate(asked):
        if view.also_shows in paths:
            ignored[row, paths[view.also_shows]] = True
    units = list(dict.fromkeys(view.unit for view in asked))
    unit_codes = {unit: code for code, unit in enumerate(units)}
    return _Judged(
        queries,
        gallery,
        positives=query_codes[:, None] == entry_codes[None, :],
        ignored=ignored,
        unit_of_query=np.array([unit_codes[view.unit] for view in asked], dtype=np.int64),
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
        metrics.summarise(ranking),
        {name: bootstrap.interval(values) for name, values in resampled.items()},
        curve=curve,
    )


def _comparisons(
    rows: Sequence[Row], resampled: Sequence[dict[str, NDArray[np.float64]]]
) -> list[Comparison]:
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
        comparisons.append(Comparison(row.trial, row.system, first.system, differences))
    return comparisons


def _failures(
    trial: Trial, judged: _Judged, scores: NDArray[np.float32], ranking: Ranking
) -> list[Failure]:
    ranks = ranking.queries.first_rank
    failed = [int(row) for row in np.argsort(-ranks, kind="stable") if ranks[row] > 1]
    failures = []
    for row in failed[:FAILURES_A_TRIAL]:
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
