"""RGB PNGs of 16 bits, of which Pillow keeps the higher eight.

Where scanners use only the lower 10, 12 or 14 bits nothing would be left of them but black.
"""

from io import BytesIO

import numpy as np
from PIL import Image, PngImagePlugin

from ml.rules.png_chunks import is_png, with_shown_chunks
from ml.rules.rgb import strips
from ml.rules.tones import to_8_bits, tones_between

# Higher bytes of values that fill at most 14 bits.
_MAX_UNUSED_HIGH_BYTE = 63
_RGB, _RGBA = 2, 6


def with_low_bits(image: Image.Image, data: bytes) -> Image.Image:
    """Return a decoded picture, scaled by what its samples use if it is such a PNG.

    Args:
        image: as Pillow decoded it.
        data: the file.
    """
    if not (is_png(data) and len(data) > 25 and data[24] == 16 and data[25] in (_RGB, _RGBA)):  # noqa: PLR2004 - of the header
        return image
    if (
        np.array(image.getextrema())[:3].max() > _MAX_UNUSED_HIGH_BYTE
        or getattr(image, "n_frames", 1) > 1
    ):
        return image
    low = _low_bytes(data)
    white = tones_between(0, _highest(image, low), np.dtype(np.uint16))
    top = 0
    for high_strip, low_strip in zip(strips(image), strips(low), strict=True):
        values = np.asarray(high_strip).astype(np.uint16) << 8 | np.asarray(low_strip)
        scaled = to_8_bits(values, white)
        scaled[..., 3:] = np.asarray(high_strip)[..., 3:]
        image.paste(Image.fromarray(scaled), (0, top))
        top += high_strip.height
    return image


def _highest(high: Image.Image, low: Image.Image) -> int:
    """Return the highest value of the colours, of 16 bits."""
    most = 0
    for high_strip, low_strip in zip(strips(high), strips(low), strict=True):
        colours = np.asarray(high_strip)[..., :3].astype(np.uint16) << 8
        most = max(most, int((colours | np.asarray(low_strip)[..., :3]).max()))
    return most


def _low_bytes(data: bytes) -> Image.Image:
    """Return the lower byte of each sample: read as if it came first."""
    image = PngImagePlugin.PngImageFile(BytesIO(with_shown_chunks(data)))
    image.tile = [tile._replace(args=str(tile.args).replace("16B", "16L")) for tile in image.tile]
    image.load()
    return image
