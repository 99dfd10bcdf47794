"""The report on media told from pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ml.evaluation.media.measure import SaidMedium
from ml.evaluation.proportions import CONFIDENCE, lower_bound
from ml.evaluation.report import FailureSheet, PrimaryMetric
from ml.evaluation.tables import aligned, piped
from ml.rules.media import Medium


@dataclass(frozen=True, slots=True)
class MediaReport:
    """What an evaluation of media says.

    Attributes:
        data: the folder, as it was named.
        pictures: what was said of each.
        unread: pictures that could not be read.
    """

    data: str
    pictures: Sequence[SaidMedium]
    unread: int

    @property
    def primary_metric(self) -> PrimaryMetric:
        """How much of what is said is right."""
        return PrimaryMetric("precision", self._precision(self.pictures))

    def table(self) -> str:
        """Return the tables for a terminal, with their remark below them."""
        said = aligned(self._said_cells())
        return "\n".join([*aligned(self._kind_cells()), "", *said, "", self._remark()]) + "\n"

    def markdown(self) -> str:
        """Return the report as Markdown."""
        lines = ["# Evaluation: media", "", f"- Data: `{self.data}`", ""]
        tables = [*piped(self._kind_cells()), "", *piped(self._said_cells())]
        return "\n".join([*lines, *tables, "", self._remark(), ""])

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values; shares are 0..1."""
        kinds = [
            {
                "kind": kind,
                "media": sorted(those[0].media),
                "count": len(those),
                "said": self._counts(those),
                "recall": _share([each.is_right for each in those]),
            }
            for kind, those in self._kinds().items()
        ]
        said = [
            {"said": medium.value, "count": len(those), "precision": self._precision(those)}
            for medium, those in self._by_said().items()
        ]
        figures = {"kinds": kinds, "said": said, "unread": self.unread}
        return {"protocol": "media", "data": self.data, **figures}

    def sheets(self) -> tuple[FailureSheet, ...]:
        """Return none."""
        return ()

    def _kinds(self) -> dict[str, list[SaidMedium]]:
        names = sorted({each.kind for each in self.pictures})
        return {name: [each for each in self.pictures if each.kind == name] for name in names}

    def _by_said(self) -> dict[Medium, list[SaidMedium]]:
        those = {
            medium: [each for each in self.pictures if each.said is medium] for medium in Medium
        }
        return {
            medium: each for medium, each in those.items() if each and medium is not Medium.UNKNOWN
        }

    @staticmethod
    def _counts(pictures: Sequence[SaidMedium]) -> dict[str, int]:
        return {medium.value: sum(each.said is medium for each in pictures) for medium in Medium}

    @staticmethod
    def _precision(pictures: Sequence[SaidMedium]) -> float | None:
        return _share([each.is_right for each in pictures if each.said is not Medium.UNKNOWN])

    def _kind_cells(self) -> list[list[str]]:
        cells = [["kind", "count", *Medium, "recall"]]
        for kind, those in self._kinds().items():
            recall = _shown(_share([each.is_right for each in those]))
            cells.append([kind, str(len(those)), *map(str, self._counts(those).values()), recall])
        return cells

    def _said_cells(self) -> list[list[str]]:
        cells = [["said", "count", "right", f"at least ({CONFIDENCE:.0%})"]]
        for medium, those in self._by_said().items():
            right = sum(each.is_right for each in those)
            bound = f"{lower_bound(right, len(those)):.3f}"
            cells.append([medium.value, str(len(those)), _shown(self._precision(those)), bound])
        return cells

    def _remark(self) -> str:
        said = [each for each in self.pictures if each.said is not Medium.UNKNOWN]
        right = sum(each.is_right for each in said)
        return (
            f"Something is said of {len(said)} of {len(self.pictures)} pictures, and right of"
            f" {right} of them; {self.unread} could not be read."
        )


def _share(answers: Sequence[bool]) -> float | None:
    return sum(answers) / len(answers) if answers else None


def _shown(share: float | None) -> str:
    return "" if share is None else f"{share:.3f}"
