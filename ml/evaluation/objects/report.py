"""The protocol `objects`: how well a detector finds things in pictures. It needs no encoder."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from ml.detection.base import Detection, Detector, DetectorSpec
from ml.detection.selection import NAMED_CONFIDENCE
from ml.errors import EvaluationDataInvalid, MlError, NoPositives
from ml.evaluation.box_sheet import BoxedPicture, Outline, draw_box_failures
from ml.evaluation.datasets import read_bytes
from ml.evaluation.files import FAILURES, JSON, MARKDOWN, write_texts
from ml.evaluation.objects.average_precision import LEAST_IOU, NOTHING, average_precision, match
from ml.evaluation.objects.truth import ObjectTruth, read_object_truth
from ml.evaluation.retrieval.plan import MAX_PIXELS
from ml.evaluation.tables import aligned, piped
from ml.images.decode import decode
from ml.left_out import LeftOut
from ml.output import replaced_files

ALL = "all"
_HEADER = ("class", "boxes", "AP@0.5", "precision", "recall")
_REMARKS = (
    f"A found box is right where it has the name of a true one and they share {LEAST_IOU:.0%} of"
    " both together; the surest box chooses first, and each true one is found once.",
    "AP@0.5 is the area under precision over recall of all found boxes, read at 101 recalls, as"
    " ultralytics' validator does, where a perfect class has 0.995. The row 'all' has the mean of"
    " the classes' AP, and the precision and recall of all boxes.",
    f"Precision and recall are those of boxes of confidence {NAMED_CONFIDENCE:g} and more, which"
    " is what is named to people.",
)


@dataclass(frozen=True, slots=True)
class Examined:
    """One picture in which things were looked for.

    Attributes:
        truth: what is in it.
        detections: what was found, the surest first.
        matched: (D,) see `average_precision.match`.
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


@dataclass(frozen=True, slots=True)
class ObjectReport:
    """What the protocol says.

    Attributes:
        detector: what was evaluated.
        data: the folder, as it was named.
        data_sha256: of names and files of all pictures that could be read, in name order.
        limit: as it was asked for; None is all.
        examined: the pictures, in name order.
        unreadable: those left out.
        milliseconds: mean time of a decoded picture.
    """

    detector: DetectorSpec
    data: str
    data_sha256: str
    limit: int | None
    examined: tuple[Examined, ...]
    unreadable: tuple[LeftOut, ...]
    milliseconds: float

    def figures(self) -> list[ClassFigures]:
        """Return the figures of all classes together, then of each, in the order of their names.

        Raises:
            NoPositives: no true box is of a class that the detector can name.
        """
        return figures_by_class(self.examined, self.detector.labels)

    def unnamed(self) -> list[str]:
        """Return the classes of true boxes that the detector has no name for."""
        true = {label for each in self.examined for label in each.truth.labels}
        return sorted(true - set(self.detector.labels))

    def table(self) -> str:
        """Return the table for a terminal."""
        return "\n".join([*aligned(self._cells()), "", *self._remarks()]) + "\n"

    def markdown(self, *, has_failures: bool) -> str:
        """Return the report as Markdown; the sheet lies beside it, where there are failures."""
        spec = self.detector
        lines = ["# Evaluation: objects", ""]
        lines += [f"- Data: `{self.data}`, SHA-256 `{self.data_sha256}`"]
        lines += [f"- Detector {spec.name}, weights {spec.weights} `{spec.weights_sha256}`"]
        lines += ["", "## Figures", "", *piped(self._cells()), "", "## Notes", ""]
        lines += [*(f"- {remark}" for remark in self._remarks()), ""]
        if has_failures:
            lines += ["## Worst failures", "", f"![Worst failures]({FAILURES})", ""]
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

    def _cells(self) -> list[list[str]]:
        return [list(_HEADER), *(_cells(row) for row in self.figures())]

    def _remarks(self) -> list[str]:
        remarks = [
            *_REMARKS,
            f"{len(self.examined)} pictures, {self.milliseconds:.0f} ms each, decoded already.",
        ]
        if self.unnamed():
            remarks.append(
                "The detector has no name for these, which are in no figure:"
                f" {', '.join(self.unnamed())}."
            )
        if self.limit is not None:
            remarks.append(f"A quick try: limited to {self.limit} pictures; not the whole data.")
        return remarks + [f"Left out: {each.name}: {each.reason}" for each in self.unreadable]


def examine(
    folder: Path, detector: Detector, *, batch_size: int = 8, limit: int | None = None
) -> ObjectReport:
    """Return how well a detector finds what is in the pictures of a folder.

    Args:
        folder: see `read_object_truth`.
        detector: looks for it.
        batch_size: pictures in memory at a time, ≥ 1.
        limit: most pictures, the first ones; None takes all.

    Raises:
        EvaluationDataInvalid: missing, empty, of another shape, or no picture can be read.
        NoPositives: no true box is of a class that the detector can name.
    """
    examined: list[Examined] = []
    unreadable: list[LeftOut] = []
    digest, seconds = hashlib.sha256(), 0.0
    truths = read_object_truth(folder)[:limit]
    for start in tqdm(range(0, len(truths), batch_size), unit="", disable=None):
        images: list[tuple[ObjectTruth, Image.Image]] = []
        for truth in truths[start : start + batch_size]:
            try:
                data = read_bytes(truth.path)
                images.append((truth, decode(data, max_pixels=MAX_PIXELS)))
            except MlError as err:
                unreadable.append(LeftOut(truth.name, str(err)))
                continue
            digest.update(f"{truth.name}\0{hashlib.sha256(data).hexdigest()}\n".encode())
        started = time.perf_counter()
        found = detector.detect([image for _, image in images])
        seconds += time.perf_counter() - started
        examined += [
            Examined(truth, detections, match(truth, detections))
            for (truth, _), detections in zip(images, found, strict=True)
        ]
    if not examined:
        raise EvaluationDataInvalid(f"No picture of {folder} can be read.", folder=str(folder))
    report = ObjectReport(
        detector=detector.spec,
        data=str(folder),
        data_sha256=digest.hexdigest(),
        limit=limit,
        examined=tuple(examined),
        unreadable=tuple(unreadable),
        milliseconds=1000 * seconds / len(examined),
    )
    report.figures()
    return report


def figures_by_class(examined: Sequence[Examined], labels: Sequence[str]) -> list[ClassFigures]:
    """Return the figures of all classes together, then of each, in the order of their names.

    Args:
        examined: the pictures.
        labels: the classes that count; of them, those that have a true box are taken.

    Raises:
        NoPositives: none has.
    """
    true = [label for each in examined for label in each.truth.labels]
    found = sorted(
        (
            (detection, bool(place != NOTHING))
            for each in examined
            for detection, place in zip(each.detections, each.matched, strict=True)
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
    whole = ClassFigures(
        ALL,
        boxes=sum(row.boxes for row in rows),
        average_precision=sum(row.average_precision for row in rows) / len(rows),
        right=sum(row.right for row in rows),
        wrong=sum(row.wrong for row in rows),
    )
    return [whole, *rows]


def write(report: ObjectReport, output: Path) -> None:
    """Write report.json, report.md and, where anything is wrong, failures.png into a folder.

    Raises:
        OutputUnwritable: the folder cannot be made or written.
    """
    # The JSON last: where it is new, so is all the rest.
    with replaced_files(output, (FAILURES, MARKDOWN, JSON)) as scratch:
        shown = [_boxed(each) for each in report.examined]
        has_failures = draw_box_failures(shown, scratch / FAILURES)
        markdown = report.markdown(has_failures=has_failures)
        write_texts(scratch, markdown=markdown, values=report.to_json())


def _figures(label: str, boxes: int, found: Sequence[tuple[Detection, bool]]) -> ClassFigures:
    confident = [is_right for each, is_right in found if each.confidence >= NAMED_CONFIDENCE]
    return ClassFigures(
        label,
        boxes,
        average_precision(np.array([is_right for _, is_right in found], dtype=np.bool_), boxes),
        right=sum(confident),
        wrong=len(confident) - sum(confident),
    )


def _cells(row: ClassFigures) -> list[str]:
    precision = "–" if row.precision is None else f"{row.precision:.3f}"
    figures = [f"{row.average_precision:.3f}", precision, f"{row.recall:.3f}"]
    return [row.label, str(row.boxes), *figures]


def _boxed(each: Examined) -> BoxedPicture:
    confident = np.array([d.confidence >= NAMED_CONFIDENCE for d in each.detections], np.bool_)
    right = set(each.matched[confident].tolist()) - {NOTHING}
    return BoxedPicture(
        path=each.truth.path,
        title=f"{each.truth.name}: {len(right)} right of {len(each.truth.labels)}",
        true=tuple(
            Outline((x0, y0, x1, y1), place in right, label)
            for place, (label, (x0, y0, x1, y1)) in enumerate(
                zip(each.truth.labels, each.truth.corners.tolist(), strict=True)
            )
        ),
        found=tuple(
            Outline(
                (d.box.x0, d.box.y0, d.box.x1, d.box.y1),
                place != NOTHING,
                "" if place != NOTHING else f"{d.label} {d.confidence:.2f}",
            )
            for d, place in zip(each.detections, each.matched.tolist(), strict=True)
            if d.confidence >= NAMED_CONFIDENCE
        ),
    )
