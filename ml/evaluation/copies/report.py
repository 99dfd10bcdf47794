"""The report on edited copies: a table, Markdown, JSON and a sheet of what went wrong."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml.copies.comparison import CopyVerdict
from ml.evaluation.copies.measure import EditedCopiesResult, Judged
from ml.evaluation.copies.pair_sheet import ShownPair, draw_pairs
from ml.evaluation.copies.plan import ANY_EDIT
from ml.evaluation.proportions import CONFIDENCE, lower_bound, upper_bound
from ml.evaluation.report import FAILURES, FailureSheet, PrimaryMetric
from ml.evaluation.retrieval.plan import Plan
from ml.evaluation.sheet import MAX_FAILURES
from ml.evaluation.tables import aligned, piped

_MAX_LISTED = 40


@dataclass(frozen=True, slots=True)
class EditedCopiesReport:
    """What an evaluation of the copy checks says, and what it was made from.

    Attributes:
        plan: what was asked.
        data: the folder, as it was named.
        distractors: their folder, as it was named; None without.
        seed: of the generator that made the copies and drew the pairs.
        result: what came of it.
    """

    plan: Plan
    data: str
    distractors: str | None
    seed: int
    result: EditedCopiesResult

    @property
    def primary_metric(self) -> PrimaryMetric:
        """The share of all copies that were named, on either rung."""
        copies = self.result.copies
        return PrimaryMetric("share", sum(_counts(copies)) / len(copies))

    def table(self) -> str:
        """Return the table for a terminal, and the false verdicts below it."""
        return "\n".join([*aligned(self._cells()), "", *self._remarks()]) + "\n"

    def markdown(self) -> str:
        """Return the report as Markdown, without the sheet."""
        lines = ["# Evaluation: edited copies", "", f"- Data: `{self.data}`"]
        if self.distractors is not None:
            lines.append(f"- Distractors: `{self.distractors}`")
        lines += [f"- Pictures, made ones included: {len(self.plan.images)}; seed {self.seed}", ""]
        lines += ["## Copies that were named", "", *piped(self._cells()), ""]
        lines += ["## Notes", "", *(f"- {remark}" for remark in self._remarks()), ""]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values; shares are 0..1, times are milliseconds."""
        false, others = self.result.false(), self.result.others
        return {
            "protocol": "edited-copies",
            "data": self.data,
            "distractors": self.distractors,
            "seed": self.seed,
            "pictures": len(self.plan.images),
            "unreadable": [asdict(each) for each in self.result.unreadable],
            "confidence": CONFIDENCE,
            "edits": [_edit_json(edit, pairs) for edit, pairs in self._by_edit().items()],
            "different_pairs": len(others),
            "false_verdicts": len(false),
            "false_share_upper_bound": upper_bound(len(false), len(others)),
            "ms": {"copies": _times(self.result.copies), "different": _times(others)},
            "false": [self._pair_json(pair) for pair in false],
            "missed": [self._pair_json(pair) for pair in self.result.missed()],
        }

    def sheets(self) -> tuple[FailureSheet, ...]:
        """Return the false verdicts, then the missed copies."""
        shown, images = self._shown(), self.plan.images
        heading = "False verdicts, then missed copies"
        return (
            FailureSheet(
                FAILURES, heading, "Failures", lambda path: draw_pairs(shown, images, path)
            ),
        )

    def _by_edit(self) -> dict[str, list[Judged]]:
        by_edit: dict[str, list[Judged]] = {ANY_EDIT: list(self.result.copies)}
        for pair in self.result.copies:
            by_edit.setdefault(pair.edit, []).append(pair)
        return by_edit

    def _cells(self) -> list[list[str]]:
        cells = [["edit", "copies", "near-identical", "edited copy", "either", "at least"]]
        for edit, pairs in self._by_edit().items():
            near, edited = _counts(pairs)
            shares = [count / len(pairs) for count in (near, edited, near + edited)]
            at_least = lower_bound(near + edited, len(pairs))
            cells.append([edit, str(len(pairs)), *(f"{each:.3f}" for each in (*shares, at_least))])
        return cells

    def _remarks(self) -> list[str]:
        result, false = self.result, self.result.false()
        bound = upper_bound(len(false), len(result.others))
        remarks = [
            f"{len(false)} false verdicts in {len(result.others):,} pairs of different pictures:"
            f" at most {10_000 * bound:.2f} in 10,000 ({CONFIDENCE:.0%}, one-sided, as 'at least'"
            " is, and as if pairs that share a picture were independent). True duplicates among"
            " them, if any, are counted as false.",
        ]
        for says, pairs in (("a copy", result.copies), ("different pictures", result.others)):
            times = _times(pairs)
            if times is not None:
                remarks.append(
                    f"Comparing {says}: median {times['median']:.1f} ms,"
                    f" 95 % below {times['p95']:.1f} ms."
                )
        remarks += [
            f"{pair.verdict}: {self._name(pair.query)} · {self._name(pair.candidate)}"
            for pair in false[:_MAX_LISTED]
        ]
        remarks += [
            f"left out: {each.name}: {each.reason}" for each in result.unreadable[:_MAX_LISTED]
        ]
        return [*self.plan.notes, *remarks]

    def _shown(self) -> list[ShownPair]:
        false = [
            ShownPair(f"false: {p.verdict}", p.query, p.candidate) for p in self.result.false()
        ]
        missed = [
            ShownPair(f"missed: {pair.edit}", pair.query, pair.candidate)
            for pair in self.result.missed()
        ]
        # Both kinds are shown, however many there are of one.
        half = MAX_FAILURES // 2
        return [*false[: max(half, MAX_FAILURES - len(missed))], *missed]

    def _pair_json(self, pair: Judged) -> dict[str, Any]:
        names = {"query": self._name(pair.query), "candidate": self._name(pair.candidate)}
        return asdict(pair) | names

    def _name(self, index: int) -> str:
        return self.plan.images[index].name


def _counts(pairs: Sequence[Judged]) -> tuple[int, int]:
    """Return how many are near-identical, and how many edited copies."""
    verdicts = [pair.verdict for pair in pairs]
    return verdicts.count(CopyVerdict.NEAR_IDENTICAL), verdicts.count(CopyVerdict.EDITED_COPY)


def _edit_json(edit: str, pairs: Sequence[Judged]) -> dict[str, Any]:
    near, edited = _counts(pairs)
    return {
        "edit": edit,
        "copies": len(pairs),
        "near_identical": near,
        "edited_copy": edited,
        "share": (near + edited) / len(pairs),
        "share_lower_bound": lower_bound(near + edited, len(pairs)),
    }


def _times(pairs: Sequence[Judged]) -> dict[str, float] | None:
    if not pairs:
        return None
    median, high = np.percentile([pair.ms for pair in pairs], [50, 95])
    return {"median": float(median), "p95": float(high)}
