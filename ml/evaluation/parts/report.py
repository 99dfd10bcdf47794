"""The report on collages and pages as queries: a table, Markdown, JSON and a sheet of losses."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from ml.encoders.base import EncoderSpec
from ml.errors import MlError
from ml.evaluation.embedding import read_view
from ml.evaluation.files import FAILURES, JSON, MARKDOWN, write_texts
from ml.evaluation.parts.measure import LEAST_SIDE_PX, PAGE, Asked, Outcome
from ml.evaluation.proportions import lower_bound
from ml.evaluation.retrieval.sheets import MOST_FAILURES
from ml.evaluation.tables import aligned, piped
from ml.output import replaced_files

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
LEAST_SHARE = 0.3
_THUMB_PX, _GAP_PX, _TEXT_PX, _ACROSS = 168, 12, 13, 2


@dataclass(frozen=True, slots=True)
class PartsReport:
    """What the protocol says, and what it was made from.

    Attributes:
        data: the folder, as it was named.
        encoder: as it was asked for.
        spec: what it is.
        seed: decided what was made.
        limit: most photos; None is all.
        outcome: what came of it.
    """

    data: str
    encoder: str
    spec: EncoderSpec
    seed: int
    limit: int | None
    outcome: Outcome

    def table(self) -> str:
        """Return the table for a terminal."""
        return "\n".join([*aligned(self._cells()), "", *self._remarks()]) + "\n"

    def markdown(self, *, has_sheet: bool) -> str:
        """Return the report as Markdown; `has_sheet` shows the sheet that lies beside it."""
        lines = ["# Evaluation: collages and pages as queries", ""]
        lines += [f"- Data: `{self.data}`, SHA-256 `{self.outcome.data_sha256}`"]
        lines += [f"- Encoder: `{self.encoder}`, weights SHA-256 `{self.spec.weights_sha256}`"]
        lines += [f"- Photos: {len(self.outcome.views)}; seed {self.seed}", ""]
        lines += ["## Photos found", "", *piped(self._cells()), ""]
        lines += ["## Notes", "", *(f"- {remark}" for remark in self._remarks()), ""]
        if has_sheet:
            lines += ["## Photos not found", "", f"![Failures]({FAILURES})", ""]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values; shares are 0..1."""
        return {
            "protocol": "parts",
            "data": self.data,
            "data_sha256": self.outcome.data_sha256,
            "encoder": self.encoder,
            "weights_sha256": self.spec.weights_sha256,
            "seed": self.seed,
            "limit": self.limit,
            "photos": len(self.outcome.views),
            "unreadable": [asdict(each) for each in self.outcome.unreadable],
            "figures": [_figures(name, asked) for name, asked in self._groups()],
            "lost": [_lost(each) for each in self._not_found()],
        }

    def write(self, folder: Path) -> None:
        """Write the sheet, the Markdown and the JSON, all or none.

        Raises:
            OutputUnwritable: the folder cannot be made or written.
        """
        # The JSON last: where it is new, so is all the rest.
        with replaced_files(folder, (FAILURES, MARKDOWN, JSON)) as scratch:
            has_sheet = self._draw(scratch / FAILURES)
            write_texts(scratch, markdown=self.markdown(has_sheet=has_sheet), values=self.to_json())

    def _groups(self) -> list[tuple[str, list[Asked]]]:
        asked = self.outcome.asked
        whole = [each for each in asked if each.share >= LEAST_SHARE]
        groups = [
            (COLLAGES, [each for each in whole if each.kind != PAGE]),
            (PAGES, [each for each in whole if each.kind == PAGE]),
            *(
                (kind, [each for each in whole if each.kind == kind])
                for kind in dict.fromkeys(each.kind for each in whole if each.kind != PAGE)
            ),
            (CROPPED, [each for each in asked if each.share < LEAST_SHARE]),
        ]
        return [(name, group) for name, group in groups if group]

    def _not_found(self) -> list[Asked]:
        """Return the lost panels, those first that show most of their photos."""
        lost = [each for each in self.outcome.asked if not each.is_right]
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
            f"Panels of {LEAST_SIDE_PX} px and more, that show at least {LEAST_SHARE:.0%} of a"
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
            f"left out: {each.name}: {each.reason}" for each in self.outcome.unreadable
        ]

    def _draw(self, path: Path) -> bool:
        """Write a PNG of panels that were not found; return whether there are any."""
        chosen = self._not_found()[:MOST_FAILURES]
        if not chosen:
            return False
        font = ImageFont.truetype(findfont("DejaVu Sans"), _TEXT_PX)
        width = 3 * (_THUMB_PX + _GAP_PX) + _GAP_PX
        height = _THUMB_PX + 2 * _TEXT_PX + _GAP_PX
        across = min(_ACROSS, len(chosen))
        size = (across * width, math.ceil(len(chosen) / across) * height)
        sheet = Image.new("RGB", size, "white")
        for number, each in enumerate(chosen):
            x, y = number % across * width + _GAP_PX, number // across * height
            cause = "wrong" if each.is_found else "not parted"
            title = f"{each.kind} {each.query}, {each.share:.0%}, {cause}: panel, photo, first"
            ImageDraw.Draw(sheet).text((x, y), title, fill="black", font=font)
            for column, image in enumerate(self._pictures(each)):
                if image is not None:
                    sheet.paste(image, (x + column * (_THUMB_PX + _GAP_PX), y + _TEXT_PX + 4))
        sheet.save(path, "PNG", optimize=True)
        return True

    def _pictures(self, each: Asked) -> Sequence[Image.Image | None]:
        return each.thumbnail, self._thumbnail(each.photo), self._thumbnail(each.first)

    def _thumbnail(self, name: str | None) -> Image.Image | None:
        view = next((view for view in self.outcome.views if view.name == name), None)
        if view is None:
            return None
        try:
            image = read_view(view)
        except MlError:  # readable a moment ago: the file was changed or taken away since
            return None
        image.thumbnail((_THUMB_PX, _THUMB_PX))
        return image


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
