"""The sheet of panels whose photos were not found."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PIL import Image

from ml.errors import MlError
from ml.evaluation.images import EvaluationImage, read_image
from ml.evaluation.parts.measure import Asked
from ml.evaluation.sheet import BLACK, TEXT_PX, Grid, Position, draw_sheet, write_line
from ml.evaluation.thumbnails import THUMBNAIL_PX

_GAP_PX, _PICTURES = 12, 3
_GRID = Grid(
    cell=(_PICTURES * (THUMBNAIL_PX + _GAP_PX) + _GAP_PX, THUMBNAIL_PX + 2 * TEXT_PX + _GAP_PX),
    max_across=2,
    start=(_GAP_PX, 0),
)


def draw_lost(lost: Sequence[Asked], images: Sequence[EvaluationImage], path: Path) -> bool:
    """Write a PNG of panels that were not found; return whether there are any.

    Each cell shows the panel, its photo, and what was ranked first.
    """
    by_name = {image.name: image for image in images}
    return draw_sheet(lost, path, _GRID, partial(_draw_cell, by_name))


def _draw_cell(
    by_name: dict[str, EvaluationImage], sheet: Image.Image, at: Position, each: Asked
) -> None:
    x, y = at
    cause = "wrong" if each.is_found else "not parted"
    title = f"{each.kind} {each.query}, {each.share:.0%}, {cause}: panel, photo, first"
    write_line(sheet, at, title, BLACK)
    photo = by_name.get(each.photo)
    first = None if each.first is None else by_name.get(each.first)
    for column, picture in enumerate((each.thumbnail, _thumbnail(photo), _thumbnail(first))):
        if picture is not None:
            sheet.paste(picture, (x + column * (THUMBNAIL_PX + _GAP_PX), y + TEXT_PX + 4))


def _thumbnail(image: EvaluationImage | None) -> Image.Image | None:
    if image is None:
        return None
    try:
        picture = read_image(image)
    except MlError:  # readable a moment ago: the file was changed or taken away since
        return None
    picture.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    return picture
