"""The report on collages and pages as queries."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ml.encoders.base import EncoderSpec
from ml.evaluation.parts.lost_sheet import draw_lost
from ml.evaluation.parts.measure import MIN_SIDE_PX, Asked, PartsResult
from ml.evaluation.parts.queries import PAGE
from ml.evaluation.proportions import lower_bound
from ml.evaluation.report import FAILURES, FailureSheet, PrimaryMetric
from ml.evaluation.tables import aligned, piped

_HEADER = [
    "",
    "queries",
    "panels",
    "parted",
    "by score",
    "found",
    "at least",
    "not parted",
    "wrong",
]
COLLAGES, PAGES, CROPPED = "collages", "pages", "cropped further"
# Of its photo's area, that a panel of the first rows shows: as small as the crops that an edited
# copy is asked to be known by. What is left in less may be a sleeve, or some sky.
MIN_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class PartsReport:
    """What the protocol says, and what it was made from.

    Attributes:
        data: the folder, as it was named.
        encoder: as it was asked for.
        spec: what it is.
        seed: decided what was made.
        limit: how many photos at most; None is all.
        result: what came of it.
    """

    data: str
    encoder: str
    spec: EncoderSpec
    seed: int
    limit: int | None
    result: PartsResult

    @property
    def primary_metric(self) -> PrimaryMetric:
        """The share of photos that were found, of the panels that show enough of theirs."""
        counted = self._counted()
        found = sum(each.is_right for each in counted)
        return PrimaryMetric("found", found / len(counted) if counted else None)

    def table(self) -> str:
        """Return the table for a terminal."""
        return "\n".join([*aligned(self._cells()), "", *self._remarks()]) + "\n"

    def markdown(self) -> str:
        """Return the report as Markdown, without the sheet."""
        lines = ["# Evaluation: collages and pages as queries", ""]
        lines += [f"- Data: `{self.data}`, SHA-256 `{self.result.data_sha256}`"]
        lines += [f"- Encoder: `{self.encoder}`, weights SHA-256 `{self.spec.weights_sha256}`"]
        lines += [f"- Photos: {len(self.result.images)}; seed {self.seed}", ""]
        lines += ["## Photos found", "", *piped(self._cells()), ""]
        lines += ["## Notes", "", *(f"- {remark}" for remark in self._remarks()), ""]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values; shares are 0..1."""
        return {
            "protocol": "parts",
            "data": self.data,
            "data_sha256": self.result.data_sha256,
            "encoder": self.encoder,
            "weights_sha256": self.spec.weights_sha256,
            "seed": self.seed,
            "limit": self.limit,
            "photos": len(self.result.images),
            "unreadable": [asdict(each) for each in self.result.unreadable],
            "figures": [_figures(name, asked) for name, asked in self._groups()],
            "lost": [_lost(each) for each in self._not_found()],
        }

    def sheets(self) -> tuple[FailureSheet, ...]:
        """Return the panels whose photos were not found."""
        lost, images = self._not_found(), self.result.images
        return (
            FailureSheet(
                FAILURES, "Photos not found", "Failures", lambda path: draw_lost(lost, images, path)
            ),
        )

    def _groups(self) -> list[tuple[str, list[Asked]]]:
        asked, counted = self.result.asked, self._counted()
        groups = [
            (COLLAGES, [each for each in counted if each.kind != PAGE]),
            (PAGES, [each for each in counted if each.kind == PAGE]),
            *(
                (kind, [each for each in counted if each.kind == kind])
                for kind in dict.fromkeys(each.kind for each in counted if each.kind != PAGE)
            ),
            (CROPPED, [each for each in asked if each.share < MIN_SHARE]),
        ]
        return [(name, group) for name, group in groups if group]

    def _counted(self) -> list[Asked]:
        return [each for each in self.result.asked if each.share >= MIN_SHARE]

    def _not_found(self) -> list[Asked]:
        """Return the lost panels, those first that show most of their photos."""
        lost = [each for each in self.result.asked if not each.is_right]
        return sorted(lost, key=lambda each: -each.share)

    def _cells(self) -> list[list[str]]:
        rows = [_figures(name, asked) for name, asked in self._groups()]
        return [
            _HEADER,
            *(
                [
                    str(row["name"]),
                    *(str(row[name]) for name in ("queries", "panels")),
                    *(f"{row[name]:.3f}" for name in ("parted", "by_score", "found", "at_least")),
                    *(str(row[name]) for name in ("not_parted", "wrong_first")),
                ]
                for row in rows
            ),
        ]

    def _remarks(self) -> list[str]:
        remarks = [
            f"Panels of {MIN_SIDE_PX} px and more, that show at least {MIN_SHARE:.0%} of a"
            f" photo of the catalogue; those that show less are in '{CROPPED}' only. 'parted':"
            " the splitter found one; 'by score': the encoder alone puts the photo first; 'found':"
            " so do score and proved copies together ('at least': 95 %, one-sided, as if panels"
            " were independent).",
            "Of the panels not found, 'not parted' were lost by the splitter, and for the 'wrong'"
            " another photo came first. A near-identical copy of a photo counts as the photo.",
        ]
        if self.limit is not None:
            remarks.append(f"A quick try: limited to {self.limit} photos; not the whole data.")
        return remarks + [
            f"left out: {each.name}: {each.reason}" for each in self.result.unreadable
        ]


def _figures(name: str, asked: Sequence[Asked]) -> dict[str, Any]:
    found = sum(each.is_right for each in asked)
    parted = sum(each.is_found for each in asked)
    return {
        "name": name,
        "queries": len({each.query for each in asked}),
        "panels": len(asked),
        "parted": parted / len(asked),
        "by_score": sum(each.is_right_by_score for each in asked) / len(asked),
        "found": found / len(asked),
        "at_least": lower_bound(found, len(asked)),
        "not_parted": len(asked) - parted,
        "wrong_first": parted - found,
    }


def _lost(each: Asked) -> dict[str, Any]:
    box = each.box
    return {
        "query": each.query,
        "kind": each.kind,
        "box": [box.x0, box.y0, box.x1, box.y1],
        "photo": each.photo,
        "share": round(each.share, 3),
        "is_parted": each.is_found,
        "first": each.first,
    }
