"""Edited copies that benchmarks search with."""

import io
from collections.abc import Sequence

from PIL import Image, ImageOps

from ml.rules.orientation import turn_upright, turned

_GAP_PX = 12


def half_mirrored_jpeg60(data: bytes) -> bytes:
    """Return a picture file's edited copy: half its size, mirrored, JPEG quality 60."""
    with Image.open(io.BytesIO(data)) as opened:
        picture = turned(opened, turn_upright(opened)).convert("RGB")
    half = picture.resize((max(1, picture.width // 2), max(1, picture.height // 2)))
    buffer = io.BytesIO()
    ImageOps.mirror(half).save(buffer, "JPEG", quality=60)
    return buffer.getvalue()


def collage(files: Sequence[bytes], *, columns: int = 3, side_px: int = 240) -> bytes:
    """Return picture files as the tiles of a collage, white between them, JPEG quality 90."""
    step = side_px + _GAP_PX
    rows = -(-len(files) // columns)
    canvas = Image.new("RGB", (columns * step + _GAP_PX, rows * step + _GAP_PX), "white")
    for number, data in enumerate(files):
        with Image.open(io.BytesIO(data)) as opened:
            picture = turned(opened, turn_upright(opened)).convert("RGB")
        tile = ImageOps.fit(picture, (side_px, side_px))
        row, column = divmod(number, columns)
        canvas.paste(tile, (column * step + _GAP_PX, row * step + _GAP_PX))
    buffer = io.BytesIO()
    canvas.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
