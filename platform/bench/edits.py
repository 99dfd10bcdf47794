"""Edited copies that benchmarks search with."""

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from ml.rules.orientation import turn_upright, turned

_GAP_PX = 12


def half_mirrored_jpeg60(data: bytes) -> bytes:
    """Return a picture file's edited copy: half its size, mirrored, JPEG quality 60."""
    picture = _upright(data)
    half = picture.resize((max(1, picture.width // 2), max(1, picture.height // 2)))
    return _jpeg(ImageOps.mirror(half), quality=60)


def cropped(data: bytes) -> bytes:
    """Return an edited copy: the middle, four fifths of each side."""
    picture = _upright(data)
    width, height = picture.size
    return _jpeg(
        picture.crop((width // 10, height // 10, width - width // 10, height - height // 10))
    )


def captioned(data: bytes) -> bytes:
    """Return an edited copy: a band with words over its foot, a sixth of its height."""
    picture = _upright(data)
    draw = ImageDraw.Draw(picture)
    high = max(1, picture.height // 6)
    draw.rectangle((0, picture.height - high, picture.width, picture.height), fill="black")
    words = "seen in the morning"
    draw.text(
        (high // 3, picture.height - high), words, fill="white", font_size=max(8, high * 2 // 3)
    )
    return _jpeg(picture)


def bordered(data: bytes) -> bytes:
    """Return an edited copy: in a white border, a tenth of its width."""
    picture = _upright(data)
    return _jpeg(ImageOps.expand(picture, max(1, picture.width // 10), "white"))


def dimmed(data: bytes) -> bytes:
    """Return an edited copy: darker by a quarter, with less colour, JPEG quality 70."""
    picture = ImageEnhance.Brightness(_upright(data)).enhance(0.75)
    return _jpeg(ImageEnhance.Color(picture).enhance(0.6), quality=70)


def collage(files: Sequence[bytes], *, columns: int = 3, side_px: int = 240) -> bytes:
    """Return picture files as the tiles of a collage, white between them, JPEG quality 90."""
    step = side_px + _GAP_PX
    rows = -(-len(files) // columns)
    canvas = Image.new("RGB", (columns * step + _GAP_PX, rows * step + _GAP_PX), "white")
    for number, data in enumerate(files):
        tile = ImageOps.fit(_upright(data), (side_px, side_px))
        row, column = divmod(number, columns)
        canvas.paste(tile, (column * step + _GAP_PX, row * step + _GAP_PX))
    return _jpeg(canvas)


def _upright(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as opened:
        return turned(opened, turn_upright(opened)).convert("RGB")


def _jpeg(picture: Image.Image, *, quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
