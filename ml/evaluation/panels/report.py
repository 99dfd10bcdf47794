"""The report on panels."""

from dataclasses import asdict, dataclass
from typing import Any

from ml.commands.left_out import LeftOut
from ml.evaluation.box_sheet import BoxedPicture, DrawnBox, draw_box_failures
from ml.evaluation.panels.figures import PanelFigures, PanelResult, figures_by_kind
from ml.evaluation.panels.truth import PLAIN
from ml.evaluation.report import FAILURES, FailureSheet, PrimaryMetric
from ml.evaluation.tables import aligned, piped

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
    " pages and of comics; the pair that fits best is taken first, and no box is in two pairs.",
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
        results: the pictures, in the order of the data.
        unreadable: those left out.
    """

    data: str
    data_sha256: str
    limit: int | None
    results: tuple[PanelResult, ...]
    unreadable: tuple[LeftOut, ...]

    @property
    def primary_metric(self) -> PrimaryMetric:
        """F1 of all kinds together; undefined where there are neither true nor found panels."""
        return PrimaryMetric("f1", figures_by_kind(self.results)[-1].f1)

    def table(self) -> str:
        """Return the table for a terminal."""
        return "\n".join([*aligned(self._cells()), "", *self._remarks()]) + "\n"

    def markdown(self) -> str:
        """Return the report as Markdown, without the sheet."""
        lines = ["# Evaluation: panels", "", f"- Data: `{self.data}`, SHA-256 `{self.data_sha256}`"]
        lines += ["", "## Figures", "", *piped(self._cells()), "", "## Notes", ""]
        lines += [*(f"- {remark}" for remark in self._remarks()), ""]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values; shares are 0..1."""
        return {
            "protocol": "panels",
            "data": self.data,
            "data_sha256": self.data_sha256,
            "limit": self.limit,
            "unreadable": [asdict(each) for each in self.unreadable],
            "figures": [_figures_json(row) for row in figures_by_kind(self.results)],
            "pictures": [_result_json(each) for each in self.results],
        }

    def sheets(self) -> tuple[FailureSheet, ...]:
        """Return the pictures with most mistakes, and their boxes."""
        shown = [_boxed(each) for each in sorted(self.results, key=lambda e: e.truth.name)]
        heading = "Worst failures"
        return (
            FailureSheet(FAILURES, heading, heading, lambda path: draw_box_failures(shown, path)),
        )

    def _cells(self) -> list[list[str]]:
        return [list(_HEADER), *(_cells(row) for row in figures_by_kind(self.results))]

    def _remarks(self) -> list[str]:
        remarks = list(_REMARKS)
        if self.limit is not None:
            remarks.append(f"A quick try: limited to {self.limit} of a kind; not the whole data.")
        return remarks + [f"Left out: {each.name}: {each.reason}" for each in self.unreadable]


def _boxed(each: PanelResult) -> BoxedPicture:
    missed, wrong = set(each.matching.missed), set(each.matching.wrong)
    return BoxedPicture(
        path=each.truth.path,
        title=f"{each.truth.name}, {each.truth.kind}: {len(each.matching.right)} right",
        true=tuple(
            DrawnBox((box.x0, box.y0, box.x1, box.y1), index not in missed)
            for index, box in enumerate(each.truth.panels)
        ),
        found=tuple(
            DrawnBox((box.x0, box.y0, box.x1, box.y1), index not in wrong)
            for index, box in enumerate(each.found)
        ),
    )


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


def _result_json(each: PanelResult) -> dict[str, Any]:
    return {
        "name": each.truth.name,
        "kind": each.truth.kind,
        "found": [[box.x0, box.y0, box.x1, box.y1] for box in each.found],
        "right": len(each.matching.right),
        "wrong": len(each.matching.wrong),
        "missed": len(each.matching.missed),
        "milliseconds": round(each.milliseconds, 1),
    }
