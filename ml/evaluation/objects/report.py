"""The report on objects."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml.commands.left_out import LeftOut
from ml.detection.base import DetectorSpec
from ml.detection.selection import NAMED_CONFIDENCE
from ml.evaluation.box_sheet import BoxedPicture, DrawnBox, draw_box_failures
from ml.evaluation.objects.figures import ClassFigures, DetectionResult, figures_by_class
from ml.evaluation.objects.matching import MIN_IOU, NOTHING
from ml.evaluation.report import FAILURES, FailureSheet, PrimaryMetric
from ml.evaluation.tables import aligned, piped

_HEADER = ("class", "boxes", "AP@0.5", "precision", "recall")
_REMARKS = (
    f"A found box is right where it has the name of a true one and they share {MIN_IOU:.0%} of"
    " both together; the surest box chooses first, and each true one is found once.",
    "AP@0.5 is the area under precision over recall of all found boxes, read at 101 recalls, as"
    " ultralytics' validator does, where a perfect class has 0.995. The row 'all' has the mean of"
    " the classes' AP, and the precision and recall of all boxes.",
    f"Precision and recall are those of boxes of confidence {NAMED_CONFIDENCE:g} and more, which"
    " is what is named to people.",
)


@dataclass(frozen=True, slots=True)
class ObjectReport:
    """What the protocol says.

    Attributes:
        detector: what was evaluated.
        data: the folder, as it was named.
        data_sha256: of names and files of all pictures that could be read, in name order.
        limit: as it was asked for; None is all.
        results: the pictures, in name order.
        unreadable: those left out.
        milliseconds: mean time of a decoded picture.
    """

    detector: DetectorSpec
    data: str
    data_sha256: str
    limit: int | None
    results: tuple[DetectionResult, ...]
    unreadable: tuple[LeftOut, ...]
    milliseconds: float

    @property
    def primary_metric(self) -> PrimaryMetric:
        """The mean of the classes' average precision."""
        return PrimaryMetric("average_precision", self.figures()[0].average_precision)

    def figures(self) -> list[ClassFigures]:
        """Return the figures of all classes together, then of each, in the order of their names.

        Raises:
            NoPositives: no true box is of a class that the detector can name.
        """
        return figures_by_class(self.results, self.detector.labels)

    def unnamed(self) -> list[str]:
        """Return the classes of true boxes that the detector has no name for."""
        true = {label for each in self.results for label in each.truth.labels}
        return sorted(true - set(self.detector.labels))

    def table(self) -> str:
        """Return the table for a terminal."""
        return "\n".join([*aligned(self._cells()), "", *self._remarks()]) + "\n"

    def markdown(self) -> str:
        """Return the report as Markdown, without the sheet."""
        spec = self.detector
        lines = ["# Evaluation: objects", ""]
        lines += [f"- Data: `{self.data}`, SHA-256 `{self.data_sha256}`"]
        lines += [f"- Detector {spec.name}, weights {spec.weights} `{spec.weights_sha256}`"]
        lines += ["", "## Figures", "", *piped(self._cells()), "", "## Notes", ""]
        lines += [*(f"- {remark}" for remark in self._remarks()), ""]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values; shares are 0..1."""
        spec = self.detector
        return {
            "protocol": "objects",
            "detector": spec.name,
            "weights": spec.weights,
            "weights_sha256": spec.weights_sha256,
            "data": self.data,
            "data_sha256": self.data_sha256,
            "limit": self.limit,
            "milliseconds": round(self.milliseconds, 1),
            "unreadable": [asdict(each) for each in self.unreadable],
            "unnamed": self.unnamed(),
            "figures": [
                asdict(row) | {"precision": row.precision, "recall": row.recall}
                for row in self.figures()
            ],
        }

    def sheets(self) -> tuple[FailureSheet, ...]:
        """Return the pictures with most mistakes, and their boxes."""
        shown, heading = [_boxed(each) for each in self.results], "Worst failures"
        return (
            FailureSheet(FAILURES, heading, heading, lambda path: draw_box_failures(shown, path)),
        )

    def _cells(self) -> list[list[str]]:
        return [list(_HEADER), *(_cells(row) for row in self.figures())]

    def _remarks(self) -> list[str]:
        remarks = [
            *_REMARKS,
            f"{len(self.results)} pictures, {self.milliseconds:.0f} ms each, decoded already.",
        ]
        if self.unnamed():
            remarks.append(
                "The detector has no name for these, which are in no figure:"
                f" {', '.join(self.unnamed())}."
            )
        if self.limit is not None:
            remarks.append(f"A quick try: limited to {self.limit} pictures; not the whole data.")
        return remarks + [f"Left out: {each.name}: {each.reason}" for each in self.unreadable]


def _cells(row: ClassFigures) -> list[str]:
    precision = "–" if row.precision is None else f"{row.precision:.3f}"
    figures = [f"{row.average_precision:.3f}", precision, f"{row.recall:.3f}"]
    return [row.label, str(row.boxes), *figures]


def _boxed(each: DetectionResult) -> BoxedPicture:
    confident = np.array([d.confidence >= NAMED_CONFIDENCE for d in each.detections], np.bool_)
    right = set(each.matched[confident].tolist()) - {NOTHING}
    return BoxedPicture(
        path=each.truth.path,
        title=f"{each.truth.name}: {len(right)} right of {len(each.truth.labels)}",
        true=tuple(
            DrawnBox((x0, y0, x1, y1), index in right, label)
            for index, (label, (x0, y0, x1, y1)) in enumerate(
                zip(each.truth.labels, each.truth.corners.tolist(), strict=True)
            )
        ),
        found=tuple(
            DrawnBox(
                (d.box.x0, d.box.y0, d.box.x1, d.box.y1),
                index != NOTHING,
                "" if index != NOTHING else f"{d.label} {d.confidence:.2f}",
            )
            for d, index in zip(each.detections, each.matched.tolist(), strict=True)
            if d.confidence >= NAMED_CONFIDENCE
        ),
    )
