"""A failure sheet of boxes: what was found in pictures, and what should have been."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from ml.errors import MlError
from ml.evaluation.datasets import read_bytes
from ml.evaluation.retrieval.plan import MAX_PIXELS
from ml.evaluation.retrieval.sheets import MOST_FAILURES
from ml.images.decode import decode

_SIDE_PX, _GAP_PX, _TEXT_PX, _ACROSS = 360, 12, 13, 4
_TRUE, _MISSED, _RIGHT, _WRONG = (20, 150, 60), (200, 30, 30), (60, 120, 230), (240, 160, 0)
_LEGEND = "true: green, if missed red · found: blue, if wrong orange"

Corners = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Outline:
    """A box in a picture.

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
    true: tuple[Outline, ...]
    found: tuple[Outline, ...]

    @property
    def mistakes(self) -> int:
        """Boxes that are wrong or missed."""
        return sum(not outline.is_right for outline in (*self.true, *self.found))


def draw_box_failures(pictures: Sequence[BoxedPicture], path: Path) -> bool:
    """Write a PNG sheet of the pictures with most mistakes; return whether there are any."""
    worst = sorted((each for each in pictures if each.mistakes), key=lambda e: -e.mistakes)
    chosen = worst[:MOST_FAILURES]
    if not chosen:
        return False
    across = min(_ACROSS, len(chosen))
    cell = (_SIDE_PX + _GAP_PX, _SIDE_PX + _GAP_PX + 2 * _TEXT_PX)
    size = (across * cell[0] + _GAP_PX, math.ceil(len(chosen) / across) * cell[1] + 3 * _TEXT_PX)
    sheet = Image.new("RGB", size, "white")
    font = ImageFont.truetype(findfont("DejaVu Sans"), _TEXT_PX)
    ImageDraw.Draw(sheet).text((_GAP_PX, _TEXT_PX // 2), _LEGEND, fill="black", font=font)
    for number, each in enumerate(chosen):
        x = _GAP_PX + number % across * cell[0]
        y = 2 * _TEXT_PX + number // across * cell[1]
        ImageDraw.Draw(sheet).text((x, y), each.title, fill="black", font=font)
        sheet.paste(_drawn(each, font), (x, y + _TEXT_PX + 4))
    sheet.save(path, "PNG", optimize=True)
    return True


def _drawn(each: BoxedPicture, font: ImageFont.FreeTypeFont) -> Image.Image:
    try:
        image = decode(read_bytes(each.path), max_pixels=MAX_PIXELS)
    except MlError:  # readable a moment ago: the file was changed or taken away since
        return Image.new("RGB", (_SIDE_PX, _SIDE_PX), (238, 238, 238))
    scale = _SIDE_PX / max(image.size)
    drawn = image.resize([max(1, round(side * scale)) for side in image.size])
    draw = ImageDraw.Draw(drawn)
    for outlines, right, wrong, width in (
        (each.true, _TRUE, _MISSED, 4),
        (each.found, _RIGHT, _WRONG, 2),
    ):
        for outline in outlines:
            colour = right if outline.is_right else wrong
            x0, y0, x1, y1 = _scaled(outline.corners, scale)
            draw.rectangle((x0, y0, x1, y1), outline=colour, width=width)
            draw.text((x0 + 4, y0 + 3), outline.text, fill=colour, font=font)
    return drawn


def _scaled(corners: Corners, scale: float) -> Corners:
    x0, y0, x1, y1 = (side * scale for side in corners)
    return x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)
