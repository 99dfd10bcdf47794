"""How the pixels of any picture become RGB, 8 bits a channel, opaque, in the colours of sRGB.

What depends on the whole picture is found first and applied strip by strip, so that a large picture
is held once and not in several forms.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ml.rules.colours import in_srgb, profile_of
from ml.rules.ground import WHITE, Ground, ground_for
from ml.rules.tones import Tones, finite, to_8_bits, tones_between

# Pixels made displayable at a time. A whole picture of 100 megapixels took 2 GB that way.
_STRIP_PIXELS = 4_000_000
_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}


@dataclass(frozen=True, slots=True)
class Rendering:
    """How one picture's pixels become RGB: the same for each part of it.

    Attributes:
        tones: of greys of more than 8 bits; None for all other pictures.
        profile: what its numbers mean, an ICC profile; empty is sRGB.
        ground: what transparency is laid on.
    """

    tones: Tones | None = None
    profile: bytes = b""
    ground: Ground = WHITE


def rendering_of(image: Image.Image) -> Rendering:
    """Return how a decoded picture becomes RGB; it is looked through in strips where need be."""
    tones = tones_of(image) if has_deep_samples(image) else None
    profile = profile_of(image)
    rendering = Rendering(tones, profile)
    if not _has_transparency(image):
        return rendering
    visible = (_visible(strip, rendering) for strip in strips(image))
    return Rendering(tones, profile, ground_for(visible))


def has_deep_samples(image: Image.Image) -> bool:
    """Return whether a picture is greyscale of more than 8 bits, so that it has `Tones`."""
    return image.mode[0] in "IF"


def tones_of(image: Image.Image) -> Tones:
    """Return the tones of a greyscale picture of 16 or 32 bits."""
    low, high, dtype = np.inf, -np.inf, np.dtype(np.uint16)
    for strip in strips(image):
        samples = np.asarray(strip)
        dtype = samples.dtype
        values = finite(samples) if dtype.kind == "f" else samples
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    return tones_between(low, high, dtype)


def to_rgb(image: Image.Image, rendering: Rendering | None = None) -> Image.Image:
    """Return a picture, or a strip of one, as RGB.

    Args:
        image: of any mode, decoded.
        rendering: of the whole picture, where the image is a strip; None finds the image's own.
    """
    rendering = rendering_of(image) if rendering is None else rendering
    if not _has_transparency(image):
        return in_srgb(_plain(image, rendering), rendering.profile).convert("RGB")
    opaque, visible = Image.new("RGB", image.size, rendering.ground), _visible(image, rendering)
    opaque.paste(visible, mask=visible)
    return opaque


def strips(picture: Image.Image, *, rows_in: int = 1) -> Iterator[Image.Image]:
    """Yield the picture from top to bottom; all strips but the last have n × `rows_in` rows."""
    rows = rows_in * max(1, _STRIP_PIXELS // (picture.width * rows_in))
    if rows >= picture.height:
        yield picture
        return
    for top in range(0, picture.height, rows):
        yield picture.crop((0, top, picture.width, min(top + rows, picture.height)))


def _has_transparency(image: Image.Image) -> bool:
    return image.mode in _PREMULTIPLIED or image.has_transparency_data


def _visible(image: Image.Image, rendering: Rendering) -> Image.Image:
    """Return a picture with transparency as RGBA in sRGB."""
    if image.mode in _PREMULTIPLIED:
        image = image.convert(_PREMULTIPLIED[image.mode])
    if image.mode != "LA":
        image = image.convert("RGBA")
    return in_srgb(image, rendering.profile).convert("RGBA")


def _plain(image: Image.Image, rendering: Rendering) -> Image.Image:
    """Return an opaque picture as L, CMYK or RGB."""
    if rendering.tones is not None:
        return Image.fromarray(to_8_bits(np.asarray(image), rendering.tones))
    return image if image.mode in ("L", "CMYK", "RGB") else image.convert("RGB")
