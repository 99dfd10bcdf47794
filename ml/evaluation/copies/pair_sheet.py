"""The sheet of wrongly judged pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from ml.evaluation.images import EvaluationImage
from ml.evaluation.sheet import GREY, RED, Grid, Position, draw_sheet, fitted, write_line
from ml.evaluation.thumbnails import (
    GAP_PX,
    LINE_PX,
    MAX_ACROSS,
    THUMBNAIL_PX,
    draw_thumbnail,
)

_GRID = Grid(
    cell=(2 * (THUMBNAIL_PX + GAP_PX) + 2 * GAP_PX, THUMBNAIL_PX + 3 * LINE_PX + GAP_PX),
    max_across=MAX_ACROSS,
    start=(GAP_PX, GAP_PX),
)


@dataclass(frozen=True, slots=True)
class ShownPair:
    """Two images, by their indices, and a line above them that says why they are shown."""

    title: str
    query: int
    candidate: int


def draw_pairs(pairs: Sequence[ShownPair], images: Sequence[EvaluationImage], path: Path) -> bool:
    """Write a PNG sheet of the first `MAX_FAILURES` pairs; return whether there is any."""
    return draw_sheet(pairs, path, _GRID, partial(_draw_cell, images))


def _draw_cell(
    images: Sequence[EvaluationImage], sheet: Image.Image, at: Position, pair: ShownPair
) -> None:
    x, y = at
    write_line(sheet, at, pair.title, RED)
    for column, image in enumerate((images[pair.query], images[pair.candidate])):
        left, top = x + column * (THUMBNAIL_PX + GAP_PX), y + LINE_PX + 2
        draw_thumbnail(sheet, image, (left, top), GREY)
        write_line(sheet, (left, top + THUMBNAIL_PX + 2), fitted(image.name, THUMBNAIL_PX), GREY)
