"""The report on a retrieval."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ml.commands.left_out import LeftOut
from ml.detection.base import DetectorSpec
from ml.evaluation.report import FAILURES, FailureSheet, PrimaryMetric
from ml.evaluation.retrieval.bootstrap import CONFIDENCE, Difference, Interval
from ml.evaluation.retrieval.curves import draw_curves
from ml.evaluation.retrieval.failure_sheet import draw_failures
from ml.evaluation.retrieval.metrics import RECALL_AT, recall_at_precision_name
from ml.evaluation.retrieval.plan import Plan
from ml.evaluation.retrieval.ranking import MAP_AT
from ml.evaluation.retrieval.results import Failure, PairedComparison, RetrievalResult, Row
from ml.evaluation.retrieval.systems import System
from ml.evaluation.tables import aligned, piped
from ml.rules.pair_score import OBJECT_PENALTY

# Figure → its column. The others are in the JSON.
_COLUMNS = {
    **{f"recall_at_{k}": f"R@{k}" for k in RECALL_AT},
    "mean_average_precision": "mAP",
    f"mean_average_precision_at_{MAP_AT}": f"mAP@{MAP_AT}",
    "r_precision": "R-prec",
    "micro_average_precision": "µAP",
    recall_at_precision_name(0.9): "R@P90",
    recall_at_precision_name(0.99): "R@P99",
}
_WITH_INTERVAL = ("recall_at_1", "mean_average_precision", "micro_average_precision")
_MAX_UNREADABLE = 20
CURVES = "precision_recall.png"


@dataclass(frozen=True, slots=True)
class RetrievalReport:
    """All that a retrieval's evaluation says, and what it was made from.

    Attributes:
        plan: what was asked.
        data: the folder, as it was named.
        distractors: their folder, as it was named; None without.
        background: its folder, as it was named; None without.
        data_sha256: see `embedding.Embedded`.
        seed: of the generator that made the copies and drew the resamples.
        resamples: of the bootstrap.
        limit: as it was asked for; None is all.
        unreadable: those left out.
        systems: what was evaluated.
        result: the figures.
        detector: what found the objects; None without.
    """

    plan: Plan
    data: str
    distractors: str | None
    background: str | None
    data_sha256: str
    seed: int
    resamples: int
    limit: int | None
    unreadable: tuple[LeftOut, ...]
    systems: tuple[System, ...]
    result: RetrievalResult
    detector: DetectorSpec | None = None

    @property
    def primary_metric(self) -> PrimaryMetric:
        """The first system's mAP in the plan's primary trial."""
        wanted = self.plan.primary_trial, self.systems[0].label
        row = next(row for row in self.result.rows if (row.trial, row.system) == wanted)
        name = "mean_average_precision"
        return PrimaryMetric(name, None if row.metrics is None else row.metrics.figures()[name])

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values; figures are 0..1, with their intervals."""
        return {
            "protocol": self.plan.protocol,
            "data": self.data,
            "distractors": self.distractors,
            "background": self.background,
            "data_sha256": self.data_sha256,
            "seed": self.seed,
            "limit": self.limit,
            "bootstrap": {
                "resamples": self.resamples,
                "confidence": CONFIDENCE,
                "unit": self.plan.unit,
            },
            "pictures": len(self.plan.images),
            "unreadable": [asdict(each) for each in self.unreadable],
            "notes": list(self.result.notes),
            "detector": None if self.detector is None else _detector_json(self.detector),
            "systems": [_system_json(system) for system in self.systems],
            "trials": [_row_json(row) for row in self.result.rows],
            "comparisons": [asdict(each) for each in self.result.comparisons],
            "failures": [self._failure_json(each) for each in self.result.failures],
        }

    def table(self) -> str:
        """Return the table for a terminal, columns aligned, with what was left out below it."""
        lines = aligned(self._cells())
        if self.result.comparisons:
            lines += ["", self._against(), *aligned(_comparison_cells(self.result.comparisons))]
        return "\n".join([*lines, "", *self._remarks()]) + "\n"

    def markdown(self) -> str:
        """Return the report as Markdown, without the sheets."""
        lines = [f"# Evaluation: {self.plan.protocol}", "", *self._origin(), "", "## Figures", ""]
        lines += [*piped(self._cells()), ""]
        if self.result.comparisons:
            lines += ["## Comparison", "", self._against(), ""]
            lines += [*piped(_comparison_cells(self.result.comparisons)), ""]
        lines += ["## Notes", "", *(f"- {remark}" for remark in self._remarks()), ""]
        return "\n".join(lines)

    def sheets(self) -> tuple[FailureSheet, ...]:
        """Return the curves, and the worst failures of the first system."""
        curves, worst = "Precision and recall", f"Worst failures of {self.systems[0].label}"
        rows, failures, images = self.result.rows, self.result.failures, self.plan.images
        return (
            FailureSheet(CURVES, curves, curves, lambda path: draw_curves(rows, path)),
            FailureSheet(
                FAILURES, worst, worst, lambda path: draw_failures(failures, images, path)
            ),
        )

    def _cells(self) -> list[list[str]]:
        header = ["trial", "system", "queries", "without", "gallery", *_COLUMNS.values()]
        cells = [header, *(_row_cells(row) for row in self.result.rows)]
        if len(self.systems) > 1:
            return cells
        return [[trial, *others] for trial, _, *others in cells]

    def _failure_json(self, failure: Failure) -> dict[str, Any]:
        images = self.plan.images
        names = {name: images[getattr(failure, name)].name for name in ("query", "first", "best")}
        return asdict(failure) | names

    def _origin(self) -> list[str]:
        lines = [f"- Data: `{self.data}`, SHA-256 `{self.data_sha256}`"]
        if self.distractors is not None:
            lines.append(f"- Distractors: `{self.distractors}`")
        if self.background is not None:
            lines.append(f"- Background of the normalised scores: `{self.background}`")
        lines.append(f"- Pictures, made ones included: {len(self.plan.images)}; seed {self.seed}")
        for system in self.systems:
            if all(each is None for each in (system.bias, system.objects, system.middles)):
                spec = system.spec
                lines.append(
                    f"- {system.label}: encoder {spec.name}, weights {spec.weights}"
                    f" `{spec.weights_sha256}`, preprocessing `{spec.preprocess.sha256()}`"
                )
        if self.detector is not None:
            lines.append(
                f"- Objects: detector {self.detector.name}, weights {self.detector.weights}"
                f" `{self.detector.weights_sha256}`"
            )
        return lines

    def _against(self) -> str:
        return (
            f"Difference to {self.result.comparisons[0].against} on the same queries, its"
            " interval, and the share of resamples in which it is above zero:"
        )

    def _remarks(self) -> list[str]:
        remarks = [
            f"In brackets: {CONFIDENCE:.0%} intervals of a bootstrap over {self.plan.unit}"
            f" ({self.resamples} resamples).",
            "Equal scores count in the worst order. Queries without a positive (column 'without')"
            " are left out of the means over queries; their pairs count as negatives of µAP and of"
            " recall at 90 and 99 % precision.",
            *self.result.notes,
        ]
        if self.detector is not None:
            remarks.append(
                "'with objects': the best of all pairs of whole pictures and objects, less"
                f" {OBJECT_PENALTY} where an object is in the pair."
            )
        if self.unreadable:
            remarks.append(
                f"{len(self.unreadable)} of {len(self.plan.images)} pictures were left out:"
            )
            remarks += [f"{each.name}: {each.reason}" for each in self.unreadable[:_MAX_UNREADABLE]]
        if len(self.unreadable) > _MAX_UNREADABLE:
            remarks.append(f"and {len(self.unreadable) - _MAX_UNREADABLE} more (see the JSON).")
        remarks += [
            f"{row.trial}: {row.why_empty}"
            for row in self.result.rows
            if row.metrics is None and row.system == self.systems[0].label
        ]
        return remarks


def _detector_json(spec: DetectorSpec) -> dict[str, Any]:
    return {"name": spec.name, "weights": spec.weights, "weights_sha256": spec.weights_sha256}


def _system_json(system: System) -> dict[str, Any]:
    spec = system.spec
    return {
        "label": system.label,
        "encoder": spec.name,
        "weights": spec.weights,
        "weights_sha256": spec.weights_sha256,
        "preprocessing_sha256": spec.preprocess.sha256(),
        "dim": spec.dim,
        "is_normalised": system.bias is not None,
        "has_objects": system.objects is not None,
        "is_expanded": system.middles is not None,
    }


def _row_json(row: Row) -> dict[str, Any]:
    values: dict[str, Any] = {"trial": row.trial, "system": row.system}
    if row.metrics is None:
        return values | {"figures": None, "reason": row.why_empty}
    found = row.metrics
    return values | {
        "queries": found.queries,
        "queries_without_positives": found.queries_without_positives,
        "gallery": found.gallery,
        "pairs": found.pairs,
        "positive_pairs": found.positive_pairs,
        "figures": {
            name: {"value": value, **asdict(row.intervals[name])}
            for name, value in found.figures().items()
        },
        "at_precision": [asdict(point) for point in found.at_precision],
    }


def _row_cells(row: Row) -> list[str]:
    if row.metrics is None:
        return [row.trial, row.system, *["–"] * (3 + len(_COLUMNS))]
    found, figures = row.metrics, row.metrics.figures()
    counts = [found.queries, found.queries_without_positives, found.gallery]
    cells = [row.trial, row.system, *(str(count) for count in counts)]
    for name in _COLUMNS:
        bounds = f" {_bounds(row.intervals[name])}" if name in _WITH_INTERVAL else ""
        cells.append(f"{figures[name]:.3f}{bounds}")
    return cells


def _comparison_cells(comparisons: Sequence[PairedComparison]) -> list[list[str]]:
    header = ["trial", "system", *(_COLUMNS[name] for name in _WITH_INTERVAL)]
    return [header] + [
        [each.trial, each.system, *(_difference(each.differences[n]) for n in _WITH_INTERVAL)]
        for each in comparisons
    ]


def _difference(difference: Difference) -> str:
    low, high = difference.interval.low, difference.interval.high
    share = difference.share_above_zero
    return f"{difference.value:+.3f} [{low:+.3f}, {high:+.3f}] {share:.0%}"


def _bounds(interval: Interval) -> str:
    return f"[{interval.low:.3f}, {interval.high:.3f}]"
