"""What a detector found in pictures, class by class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.detection.base import Detection
from ml.detection.selection import NAMED_CONFIDENCE
from ml.errors import NoPositives
from ml.evaluation.objects.average_precision import average_precision
from ml.evaluation.objects.matching import NOTHING
from ml.evaluation.objects.truth import ObjectTruth

ALL = "all"


@dataclass(frozen=True, slots=True)
class DetectionResult:
    """One picture in which things were looked for.

    Attributes:
        truth: what is in it.
        detections: what was found, the most confident first.
        matched: (D,) see `matching.match`.
    """

    truth: ObjectTruth
    detections: tuple[Detection, ...]
    matched: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """What was found of a class.

    Attributes:
        label: its name; `ALL` for all of them.
        boxes: true ones.
        average_precision: 0..0.995; the mean of the classes for `ALL`.
        right: found ones of confidence `NAMED_CONFIDENCE` and more that are true.
        wrong: those that are not.
    """

    label: str
    boxes: int
    average_precision: float
    right: int
    wrong: int

    @property
    def precision(self) -> float | None:
        """Share of confident boxes that are right; None where there are none."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float:
        """Share of true boxes that were found with confidence."""
        return self.right / self.boxes


def figures_by_class(
    results: Sequence[DetectionResult], labels: Sequence[str]
) -> list[ClassFigures]:
    """Return the figures of all classes together, then of each, in the order of their names.

    Args:
        results: the pictures.
        labels: the classes that count; of them, those that have a true box are taken.

    Raises:
        NoPositives: none has.
    """
    true = [label for each in results for label in each.truth.labels]
    found = sorted(
        (
            (detection, bool(index != NOTHING))
            for each in results
            for detection, index in zip(each.detections, each.matched, strict=True)
        ),
        key=lambda pair: -pair[0].confidence,
    )
    by_label: dict[str, list[tuple[Detection, bool]]] = {}
    for detection, is_right in found:
        by_label.setdefault(detection.label, []).append((detection, is_right))
    rows = [
        _figures(label, true.count(label), by_label.get(label, []))
        for label in sorted(set(true) & set(labels))
    ]
    if not rows:
        raise NoPositives("The data hold no box of a class that the detector can name.")
    all_classes = ClassFigures(
        ALL,
        boxes=sum(row.boxes for row in rows),
        average_precision=sum(row.average_precision for row in rows) / len(rows),
        right=sum(row.right for row in rows),
        wrong=sum(row.wrong for row in rows),
    )
    return [all_classes, *rows]


def _figures(label: str, boxes: int, found: Sequence[tuple[Detection, bool]]) -> ClassFigures:
    confident = [is_right for each, is_right in found if each.confidence >= NAMED_CONFIDENCE]
    return ClassFigures(
        label,
        boxes,
        average_precision(np.array([is_right for _, is_right in found], dtype=np.bool_), boxes),
        right=sum(confident),
        wrong=len(confident) - sum(confident),
    )
