"""Thumbnails of images on a failure sheet, side by side."""

from PIL import Image, ImageDraw

from ml.errors import MlError
from ml.evaluation.images import EvaluationImage, read_image
from ml.evaluation.sheet import GREY, UNREADABLE, Colour, Position

THUMBNAIL_PX, GAP_PX, LINE_PX = 168, 10, 17
MAX_ACROSS = 3


def draw_thumbnail(
    sheet: Image.Image, image: EvaluationImage, at: Position, colour: Colour
) -> None:
    """Draw an image into a square of `THUMBNAIL_PX`, framed in a colour."""
    left, top = at
    box = (left, top, left + THUMBNAIL_PX - 1, top + THUMBNAIL_PX - 1)
    draw = ImageDraw.Draw(sheet)
    draw.rectangle(box, fill=UNREADABLE, outline=colour)
    try:
        picture = read_image(image)
    except MlError:  # readable a moment ago: the file was changed or taken away since
        draw.text((left + 8, top + 8), "no longer readable", fill=GREY)
        return
    picture.thumbnail((THUMBNAIL_PX - 4, THUMBNAIL_PX - 4))
    x = left + (THUMBNAIL_PX - picture.width) // 2
    y = top + (THUMBNAIL_PX - picture.height) // 2
    sheet.paste(picture, (x, y))
