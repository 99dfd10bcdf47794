"""The protocol `panels`: how well collages and screenshots are taken apart. It needs no encoder."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.errors import EvaluationDataInvalid, MlError
from ml.evaluation.box_sheet import BoxedPicture, Outline, draw_box_failures
from ml.evaluation.datasets import read_bytes
from ml.evaluation.files import FAILURES, JSON, MARKDOWN, write_texts
from ml.evaluation.panels.figures import Examined, PanelFigures, figures_by_kind, match
from ml.evaluation.panels.truth import PLAIN, PanelTruth, read_panel_truth
from ml.evaluation.retrieval.plan import MAX_PIXELS
from ml.evaluation.tables import aligned, piped
from ml.images.decode import decode
from ml.left_out import LeftOut
from ml.output import replaced_files
from ml.panels import Splitting, split

_HEADER = (
    "kind",
    "pictures",
    "panels",
    "right",
    "wrong",
    "precision",
    "recall",
    "F1",
    "plain: split",
    "empty: none",
    "ms",
)
_REMARKS = (
    "A found box is right where it and a true one share 90 % of their union in collages and 85 % on"
    " pages; the pair that fits best is taken first, and no box is in two pairs.",
    "'plain: split' counts plain photos in which panels were found, 'empty: none' pages without"
    " photos in which nothing was found. Plain photos count in no other column.",
    "'ms' is the mean time of a decoded picture on this machine.",
)


@dataclass(frozen=True, slots=True)
class PanelReport:
    """What the protocol says.

    Attributes:
        data: the folder, as it was named.
        data_sha256: of names and files of all pictures that could be read, in name order.
        limit: as it was asked for; None is all.
        examined: the pictures, in the order of the data.
        unreadable: those left out.
    """

    data: str
    data_sha256: str
    limit: int | None
    examined: tuple[Examined, ...]
    unreadable: tuple[LeftOut, ...]

    def table(self) -> str:
        """Return the table for a terminal."""
        return "\n".join([*aligned(self._cells()), "", *self._remarks()]) + "\n"

    def markdown(self, *, has_failures: bool) -> str:
        """Return the report as Markdown; the sheet lies beside it, where there are failures."""
        lines = ["# Evaluation: panels", "", f"- Data: `{self.data}`, SHA-256 `{self.data_sha256}`"]
        lines += ["", "## Figures", "", *piped(self._cells()), "", "## Notes", ""]
        lines += [*(f"- {remark}" for remark in self._remarks()), ""]
        if has_failures:
            lines += ["## Worst failures", "", f"![Worst failures]({FAILURES})", ""]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values; shares are 0..1."""
        return {
            "protocol": "panels",
            "data": self.data,
            "data_sha256": self.data_sha256,
            "limit": self.limit,
            "unreadable": [asdict(each) for each in self.unreadable],
            "figures": [_figures_json(row) for row in figures_by_kind(self.examined)],
            "pictures": [_examined_json(each) for each in self.examined],
        }

    def _cells(self) -> list[list[str]]:
        return [list(_HEADER), *(_cells(row) for row in figures_by_kind(self.examined))]

    def _remarks(self) -> list[str]:
        remarks = list(_REMARKS)
        if self.limit is not None:
            remarks.append(f"A quick try: limited to {self.limit} of a kind; not the whole data.")
        return remarks + [f"Left out: {each.name}: {each.reason}" for each in self.unreadable]


def examine(
    folder: Path,
    *,
    limit: int | None = None,
    splitter: Callable[[NDArray[np.uint8]], Splitting] = split,
) -> PanelReport:
    """Return how well the pictures of a folder are taken apart.

    Args:
        folder: see `read_panel_truth`.
        limit: most pictures of a kind, the first ones; None takes all.
        splitter: is called as `split`.

    Raises:
        EvaluationDataInvalid: missing, empty, of another shape, or no picture can be read.
    """
    examined, unreadable, digest = [], [], hashlib.sha256()
    for truth in _first_of_kind(read_panel_truth(folder), limit):
        try:
            data = read_bytes(truth.path)
            pixels = np.asarray(decode(data, max_pixels=MAX_PIXELS))
        except MlError as err:
            unreadable.append(LeftOut(truth.name, str(err)))
            continue
        digest.update(f"{truth.name}\0{hashlib.sha256(data).hexdigest()}\n".encode())
        start = time.perf_counter()
        splitting = splitter(pixels)
        milliseconds = (time.perf_counter() - start) * 1000
        found = tuple(panel.box for panel in splitting.panels)
        examined.append(Examined(truth, found, match(truth, found), milliseconds))
    if not examined:
        raise EvaluationDataInvalid(f"No picture of {folder} can be read.", folder=str(folder))
    return PanelReport(str(folder), digest.hexdigest(), limit, tuple(examined), tuple(unreadable))


def write(report: PanelReport, output: Path) -> None:
    """Write report.json, report.md and, where anything is wrong, failures.png into a folder.

    Raises:
        OutputUnwritable: the folder cannot be made or written.
    """
    # The JSON last: where it is new, so is all the rest.
    with replaced_files(output, (FAILURES, MARKDOWN, JSON)) as scratch:
        shown = [_boxed(each) for each in sorted(report.examined, key=lambda e: e.truth.name)]
        has_failures = draw_box_failures(shown, scratch / FAILURES)
        markdown = report.markdown(has_failures=has_failures)
        write_texts(scratch, markdown=markdown, values=report.to_json())


def _boxed(each: Examined) -> BoxedPicture:
    missed, wrong = set(each.matching.missed), set(each.matching.wrong)
    return BoxedPicture(
        path=each.truth.path,
        title=f"{each.truth.name}, {each.truth.kind}: {len(each.matching.right)} right",
        true=tuple(
            Outline((box.x0, box.y0, box.x1, box.y1), place not in missed)
            for place, box in enumerate(each.truth.panels)
        ),
        found=tuple(
            Outline((box.x0, box.y0, box.x1, box.y1), place not in wrong)
            for place, box in enumerate(each.found)
        ),
    )


def _first_of_kind(truths: Sequence[PanelTruth], limit: int | None) -> list[PanelTruth]:
    taken: dict[str, int] = {}
    chosen = []
    for truth in truths:
        taken[truth.kind] = taken.get(truth.kind, 0) + 1
        if limit is None or taken[truth.kind] <= limit:
            chosen.append(truth)
    return chosen


def _cells(row: PanelFigures) -> list[str]:
    shares = [
        "–" if row.kind == PLAIN or value is None else f"{value:.3f}"
        for value in (row.precision, row.recall, row.f1)
    ]
    return [
        row.kind,
        *(str(count) for count in (row.pictures, row.panels, row.right, row.wrong)),
        *shares,
        f"{row.plain_split} of {row.plain}" if row.plain else "–",
        f"{row.empty_kept} of {row.empty}" if row.empty else "–",
        f"{row.milliseconds:.0f}",
    ]


def _figures_json(row: PanelFigures) -> dict[str, Any]:
    return asdict(row) | {"precision": row.precision, "recall": row.recall, "f1": row.f1}


def _examined_json(each: Examined) -> dict[str, Any]:
    return {
        "name": each.truth.name,
        "kind": each.truth.kind,
        "found": [[box.x0, box.y0, box.x1, box.y1] for box in each.found],
        "right": len(each.matching.right),
        "wrong": len(each.matching.wrong),
        "missed": len(each.matching.missed),
        "milliseconds": round(each.milliseconds, 1),
    }
