"""The report on pages of one design."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ml.copies.comparison import CopyVerdict
from ml.evaluation.designs.measure import DesignPair
from ml.evaluation.proportions import CONFIDENCE, lower_bound, upper_bound
from ml.evaluation.report import FailureSheet, PrimaryMetric
from ml.evaluation.tables import aligned, piped


@dataclass(frozen=True, slots=True)
class DesignsReport:
    """What an evaluation of designs says.

    Attributes:
        data: the folder of photos, as it was named.
        seed: of the generator that made the pages.
        pairs: what was found.
    """

    data: str
    seed: int
    pairs: Sequence[DesignPair]

    @property
    def primary_metric(self) -> PrimaryMetric:
        """The share of pairs that were called what they are."""
        right = sum(pair.verdict.is_copy == bool(pair.edit) for pair in self.pairs)
        return PrimaryMetric("right", right / len(self.pairs))

    def table(self) -> str:
        """Return the table for a terminal, with its remark below it."""
        return "\n".join([*aligned(self._cells()), "", self._remark()]) + "\n"

    def markdown(self) -> str:
        """Return the report as Markdown."""
        lines = ["# Evaluation: designs", "", f"- Photos: `{self.data}`; seed {self.seed}", ""]
        return "\n".join([*lines, *piped(self._cells()), "", self._remark(), ""])

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values; shares are 0..1."""
        rows = [
            {"pairs": name, "count": len(pairs), "verdicts": _counts(pairs)}
            for name, pairs in self._rows()
        ]
        return {"protocol": "designs", "data": self.data, "seed": self.seed, "rows": rows}

    def sheets(self) -> tuple[FailureSheet, ...]:
        """Return none: the pages can be drawn again from the seed."""
        return ()

    def _rows(self) -> list[tuple[str, list[DesignPair]]]:
        copies = [pair for pair in self.pairs if pair.edit]
        others = [pair for pair in self.pairs if not pair.edit]
        rows = [("copies", copies)]
        rows += [
            (f"copies: {edit}", [pair for pair in copies if pair.edit == edit])
            for edit in sorted({pair.edit for pair in copies})
        ]
        rows.append(("other content", others))
        rows += [
            (f"other content: {family}", [pair for pair in others if pair.family == family])
            for family in sorted({pair.family for pair in others})
        ]
        return rows

    def _cells(self) -> list[list[str]]:
        cells = [["pairs", "count", *CopyVerdict, "called a copy"]]
        for name, pairs in self._rows():
            counts = _counts(pairs)
            share = sum(pair.verdict.is_copy for pair in pairs) / len(pairs)
            cells.append([name, str(len(pairs)), *map(str, counts.values()), f"{share:.3f}"])
        return cells

    def _remark(self) -> str:
        (_, copies), *_ = rows = self._rows()
        others = dict(rows)["other content"]
        named, false = (sum(pair.verdict.is_copy for pair in each) for each in (copies, others))
        return (
            f"{named} of {len(copies)} copies are named, at least"
            f" {lower_bound(named, len(copies)):.3f}; {false} of {len(others)} pages with other"
            f" content are called copies, at most {upper_bound(false, len(others)):.3f}"
            f" ({CONFIDENCE:.0%}, one-sided)."
        )


def _counts(pairs: Sequence[DesignPair]) -> dict[str, int]:
    return {verdict: sum(pair.verdict is verdict for pair in pairs) for verdict in CopyVerdict}
