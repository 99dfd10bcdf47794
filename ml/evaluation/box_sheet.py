"""A failure sheet of boxes: what was found in pictures, and what should have been."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from ml.errors import MlError
from ml.evaluation.datasets import read_bytes
from ml.evaluation.sheet import (
    BLACK,
    TEXT_PX,
    UNREADABLE,
    Grid,
    Position,
    draw_sheet,
    font,
    write_line,
)
from ml.images.decode import decode
from ml.rules.limits import MAX_PIXELS

_SIDE_PX, _GAP_PX = 360, 12
_TRUE, _MISSED, _RIGHT, _WRONG = (20, 150, 60), (200, 30, 30), (60, 120, 230), (240, 160, 0)
_GRID = Grid(
    cell=(_SIDE_PX + _GAP_PX, _SIDE_PX + _GAP_PX + 2 * TEXT_PX),
    max_across=4,
    start=(_GAP_PX, 2 * TEXT_PX),
    extra=(_GAP_PX, 3 * TEXT_PX),
    legend="true: green, if missed red · found: blue, if wrong orange",
    legend_at=(_GAP_PX, TEXT_PX // 2),
)

Corners = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box on the sheet.

    Attributes:
        corners: x0, y0, x1, y1 in pixels of the picture.
        is_right: whether a true box was found, or a found one is true.
        text: is written into it.
    """

    corners: Corners
    is_right: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class BoxedPicture:
    """A picture of the sheet: its file, a line above it, and both kinds of boxes."""

    path: Path
    title: str
    true: tuple[DrawnBox, ...]
    found: tuple[DrawnBox, ...]

    @property
    def mistakes(self) -> int:
        """Boxes that are wrong or missed."""
        return sum(not box.is_right for box in (*self.true, *self.found))


def draw_box_failures(pictures: Sequence[BoxedPicture], path: Path) -> bool:
    """Write a PNG sheet of the pictures with most mistakes; return whether there are any."""
    worst = sorted((each for each in pictures if each.mistakes), key=lambda e: -e.mistakes)
    return draw_sheet(worst, path, _GRID, _draw_cell)


def _draw_cell(sheet: Image.Image, at: Position, each: BoxedPicture) -> None:
    x, y = at
    write_line(sheet, at, each.title, BLACK)
    sheet.paste(_drawn(each), (x, y + TEXT_PX + 4))


def _drawn(each: BoxedPicture) -> Image.Image:
    try:
        image = decode(read_bytes(each.path), max_pixels=MAX_PIXELS)
    except MlError:  # readable a moment ago: the file was changed or taken away since
        return Image.new("RGB", (_SIDE_PX, _SIDE_PX), UNREADABLE)
    scale = _SIDE_PX / max(image.size)
    drawn = image.resize([max(1, round(side * scale)) for side in image.size])
    draw = ImageDraw.Draw(drawn)
    for boxes, right, wrong, width in (
        (each.true, _TRUE, _MISSED, 4),
        (each.found, _RIGHT, _WRONG, 2),
    ):
        for box in boxes:
            colour = right if box.is_right else wrong
            x0, y0, x1, y1 = _scaled(box.corners, scale)
            draw.rectangle((x0, y0, x1, y1), outline=colour, width=width)
            draw.text((x0 + 4, y0 + 3), box.text, fill=colour, font=font())
    return drawn


def _scaled(corners: Corners, scale: float) -> Corners:
    x0, y0, x1, y1 = (side * scale for side in corners)
    return x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)
