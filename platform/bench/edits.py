"""Edited copies that benchmarks search with."""

import io

from PIL import Image, ImageOps

from ml.rules.orientation import turn_upright, turned


def half_mirrored_jpeg60(data: bytes) -> bytes:
    """Return a picture file's edited copy: half its size, mirrored, JPEG quality 60."""
    with Image.open(io.BytesIO(data)) as opened:
        picture = turned(opened, turn_upright(opened)).convert("RGB")
    half = picture.resize((max(1, picture.width // 2), max(1, picture.height // 2)))
    buffer = io.BytesIO()
    ImageOps.mirror(half).save(buffer, "JPEG", quality=60)
    return buffer.getvalue()
