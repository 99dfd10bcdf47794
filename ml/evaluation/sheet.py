"""One layout of all failure sheets: cells in rows, each with pictures and a few words."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

# A sheet of more is not looked through.
MAX_FAILURES = 24
TEXT_PX = 13

Colour = tuple[int, int, int]
Position = tuple[int, int]
GREY, RED, GREEN, BLACK = (90, 90, 90), (190, 40, 40), (20, 130, 60), (0, 0, 0)
UNREADABLE = (238, 238, 238)  # what is drawn in place of a picture that is gone

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Grid:
    """How a sheet is laid out, in pixels.

    Attributes:
        cell: width and height of one cell, its margins included.
        max_across: cells in a row.
        start: where the content of the first cell begins.
        extra: width and height beyond the cells.
        legend: a line above all cells, at `legend_at`.
        legend_at: where it is written.
    """

    cell: tuple[int, int]
    max_across: int
    start: Position
    extra: tuple[int, int] = (0, 0)
    legend: str = ""
    legend_at: Position = (0, 0)


def draw_sheet(
    items: Sequence[Item],
    path: Path,
    grid: Grid,
    draw_cell: Callable[[Image.Image, Position, Item], None],
) -> bool:
    """Write a PNG of the first `MAX_FAILURES` items, a cell each; return whether there is any.

    Args:
        items: what is shown, row by row.
        path: where it is written.
        grid: where each lies.
        draw_cell: draws an item onto the sheet, its content's upper left corner at a position.
    """
    shown = items[:MAX_FAILURES]
    if not shown:
        return False
    across = min(grid.max_across, len(shown))
    width, height = grid.cell
    size = (
        across * width + grid.extra[0],
        math.ceil(len(shown) / across) * height + grid.extra[1],
    )
    sheet = Image.new("RGB", size, "white")
    write_line(sheet, grid.legend_at, grid.legend, BLACK)
    for number, item in enumerate(shown):
        row, column = divmod(number, across)
        draw_cell(sheet, (grid.start[0] + column * width, grid.start[1] + row * height), item)
    sheet.save(path, "PNG", optimize=True)
    return True


def write_line(sheet: Image.Image, at: Position, text: str, colour: Colour) -> None:
    """Write one line, its upper left corner at a position."""
    ImageDraw.Draw(sheet).text(at, text, fill=colour, font=font())


def fitted(name: str, width_px: int) -> str:
    """Return the name's end that fits into a width."""
    if font().getlength(name) <= width_px:
        return name
    while font().getlength(f"…{name}") > width_px:
        name = name[1:]
    return f"…{name}"


@cache
def font() -> ImageFont.FreeTypeFont:
    """Return the one that all sheets are written in: it comes with matplotlib."""
    return ImageFont.truetype(findfont("DejaVu Sans"), TEXT_PX)
