"""How the pixels of any picture become RGB, 8 bits a channel, opaque.

Transparency is laid on white. Greyscale samples of 16 or 32 bits are scaled, where Pillow itself
would clip them at 255.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_8_BITS, _16_BITS = 255.0, 65535.0


@dataclass(frozen=True, slots=True)
class Tones:
    """The sample values that stand for black and for white; white > black."""

    black: float
    white: float


def has_deep_samples(image: Image.Image) -> bool:
    """Return whether a picture is greyscale of more than 8 bits, so that it has `Tones`."""
    return image.mode[0] in "IF"


def tones_of(strips: Iterable[Image.Image]) -> Tones:
    """Return the tones of a greyscale picture of 16 or 32 bits.

    16 bits are used whole. 32-bit samples do not say how they are scaled: the first usual range
    that holds them all is taken, and their own extremes where none does.

    Args:
        strips: the picture, whole or cut into strips; one or more, of one mode.
    """
    low, high, is_float = np.inf, -np.inf, False
    for strip in strips:
        if strip.mode not in ("I", "F"):
            return Tones(0.0, _16_BITS)
        is_float = strip.mode == "F"
        values = _finite(np.asarray(strip))
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    for ceiling in (1.0, _8_BITS, _16_BITS) if is_float else (_8_BITS, _16_BITS):
        if low >= 0.0 and high <= ceiling:
            return Tones(0.0, ceiling)
    return Tones(low, max(high, low + 1.0))


def to_rgb(image: Image.Image, tones: Tones | None = None) -> Image.Image:
    """Return a picture, or a strip of one, as RGB.

    Args:
        image: of any mode.
        tones: of the whole picture, where the image is a strip with deep samples; None takes the
            image's own.
    """
    if has_deep_samples(image):
        samples = np.asarray(image)
        return Image.fromarray(_to_8_bit(samples, tones or tones_of([image]))).convert("RGB")
    if image.has_transparency_data:
        opaque, visible = Image.new("RGB", image.size, "white"), image.convert("RGBA")
        opaque.paste(visible, mask=visible)
        return opaque
    return image.convert("RGB")


def _to_8_bit(samples: NDArray[np.generic], tones: Tones) -> NDArray[np.uint8]:
    """Scale (H, W) greyscale samples of 16 or 32 bits to 0..255."""
    if samples.dtype.kind == "u":  # 16 bits, whose tones are 0 and 65535 = 255 × 257
        return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
    scale = _8_BITS / (tones.white - tones.black)
    return np.rint((_finite(samples) - tones.black) * scale).astype(np.uint8)


def _finite(samples: NDArray[np.generic]) -> NDArray[np.float64]:
    """Return samples as float64; what is no number is 0."""
    values = samples.astype(np.float64)
    values[~np.isfinite(values)] = 0.0
    return values
