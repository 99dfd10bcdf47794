"""What people do to a picture before they post it again: a grid of edits and strengths."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

_WORDS = ("when", "you", "see", "it", "again", "but", "nobody", "asks", "why", "always", "me")
_LONGEST_LINE_WORDS = 5
_BAR_SHARE, _PLAIN_SHARE = 0.3, 0.7

Apply = Callable[[Image.Image, float, np.random.Generator, Image.Image], Image.Image]


@dataclass(frozen=True, slots=True)
class Edit:
    """One cell of the grid.

    Attributes:
        family: what is done.
        strength: how much, in the unit that the family's function states.
        apply: picture, strength, generator and another picture → the edited copy, upright RGB.
    """

    family: str
    strength: float
    apply: Apply

    @property
    def name(self) -> str:
        """Family and strength: "crop50"."""
        return f"{self.family}{self.strength:g}"


def crop(
    image: Image.Image, kept_percent: float, rng: np.random.Generator, _: Image.Image
) -> Image.Image:
    """Return a part of this share of the area and the picture's own shape, from anywhere."""
    width, height = _scaled(image.size, (kept_percent / 100) ** 0.5)
    x0 = int(rng.integers(image.width - width + 1))
    y0 = int(rng.integers(image.height - height + 1))
    return image.crop((x0, y0, x0 + width, y0 + height))


def rotate(
    image: Image.Image, degrees: float, rng: np.random.Generator, _: Image.Image
) -> Image.Image:
    """Return the picture turned either way, whole, its new corners black."""
    way = int(rng.choice((-1, 1)))
    return image.rotate(way * degrees, resample=Image.Resampling.BICUBIC, expand=True)


def mirror(image: Image.Image, _: float, __: np.random.Generator, ___: Image.Image) -> Image.Image:
    """Return the picture with left and right exchanged."""
    return ImageOps.mirror(image)


def write_text(
    image: Image.Image, height_percent: float, rng: np.random.Generator, _: Image.Image
) -> Image.Image:
    """Return the picture with a line of words of this share of its height across it."""
    copy = image.copy()
    words = rng.choice(_WORDS, size=int(rng.integers(2, _LONGEST_LINE_WORDS)))
    font = ImageFont.load_default(size=max(8.0, image.height * height_percent / 100))
    position = (image.width / 2, float(rng.uniform(0.1, 0.9)) * image.height)
    ImageDraw.Draw(copy).text(
        position,
        " ".join(words),
        fill="white",
        font=font,
        anchor="mm",
        stroke_width=2,
        stroke_fill="black",
    )
    return copy


def change_colour(
    image: Image.Image, change_percent: float, rng: np.random.Generator, _: Image.Image
) -> Image.Image:
    """Return the picture with saturation, brightness and contrast up or down by this share."""
    for enhancer in (ImageEnhance.Color, ImageEnhance.Brightness, ImageEnhance.Contrast):
        way = int(rng.choice((-1, 1)))
        image = enhancer(image).enhance(1 + way * change_percent / 100)
    return image


def blur(
    image: Image.Image, radius_percent: float, _: np.random.Generator, __: Image.Image
) -> Image.Image:
    """Return the picture under a Gaussian whose deviation is this share of its short side."""
    return image.filter(ImageFilter.GaussianBlur(min(image.size) * radius_percent / 100))


def compress(
    image: Image.Image, quality: float, _: np.random.Generator, __: Image.Image
) -> Image.Image:
    """Return the picture as a JPEG of this quality, 1..95, shows it."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=int(quality))
    return Image.open(buffer).convert("RGB")


def pad(
    image: Image.Image, border_percent: float, rng: np.random.Generator, _: Image.Image
) -> Image.Image:
    """Return the picture in a plain border of this share of its short side, of any colour."""
    border = max(1, round(min(image.size) * border_percent / 100))
    red, green, blue = (int(level) for level in rng.integers(256, size=3))
    return ImageOps.expand(image, border, (red, green, blue))


def place_inside(
    image: Image.Image, area_percent: float, rng: np.random.Generator, other: Image.Image
) -> Image.Image:
    """Return another picture, into which this one is pasted over this share of its area, at most.

    The pasted one keeps its shape and lies anywhere inside.
    """
    copy = other.copy()
    share = (area_percent / 100) ** 0.5
    fit = min(
        (copy.width * copy.height / (image.width * image.height)) ** 0.5 * share,
        copy.width / image.width,
        copy.height / image.height,
    )
    pasted = image.resize(_scaled(image.size, fit), Image.Resampling.BICUBIC)
    x0 = int(rng.integers(max(0, copy.width - pasted.width) + 1))
    y0 = int(rng.integers(max(0, copy.height - pasted.height) + 1))
    copy.paste(pasted, (x0, y0))
    return copy


def photograph(
    image: Image.Image, tilt_percent: float, rng: np.random.Generator, _: Image.Image
) -> Image.Image:
    """Return a photo of the picture on a table: askew by this share of its sides, unevenly lit."""
    width, height = image.size
    rim = 0.04
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    shifts = rng.uniform(0, tilt_percent / 100, (4, 2)) + rim
    inward = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    seen = (corners + shifts * inward * (width, height)).astype(np.float32)
    table = tuple(int(level) for level in rng.integers(60, 200, 3))
    page = cv2.warpPerspective(
        np.asarray(image),
        cv2.getPerspectiveTransform(corners, seen),
        image.size,
        flags=cv2.INTER_AREA,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=table,
    )
    left, right = rng.uniform(0.75, 1.1, 2)
    light = np.linspace(left, right, width)[:, None] * rng.uniform(0.95, 1.05, 3)
    return Image.fromarray((page * light).clip(0, 255).astype(np.uint8))


def cover(
    image: Image.Image, area_percent: float, rng: np.random.Generator, other: Image.Image
) -> Image.Image:
    """Return the picture with a sticker of another picture's, or a bar, over this share of it."""
    copy, side = image.copy(), (area_percent / 100) ** 0.5
    size = (max(4, int(image.width * side)), max(4, int(image.height * side)))
    at = (
        int(rng.integers(image.width - size[0] + 1)),
        int(rng.integers(image.height - size[1] + 1)),
    )
    if rng.random() < _BAR_SHARE:
        copy.paste((0, 0, 0), (*at, at[0] + size[0], at[1] + size[1]))
        return copy
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).ellipse((0, 0, *size), fill=255)
    copy.paste(ImageOps.fit(other, size), at, mask)
    return copy


def cut_out(
    image: Image.Image, kept_percent: float, rng: np.random.Generator, other: Image.Image
) -> Image.Image:
    """Return an oval of the picture, of this share of its sides, on a plain ground or a photo."""
    wide, high = _scaled(image.size, kept_percent / 100)
    x = int(rng.integers(image.width - wide + 1))
    y = int(rng.integers(image.height - high + 1))
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).ellipse((x, y, x + wide, y + high), fill=255)
    if rng.random() < _PLAIN_SHARE:
        level = [int(level) for level in rng.integers(256, size=3)]
        ground = Image.new("RGB", image.size, (level[0], level[1], level[2]))
    else:
        ground = ImageOps.fit(other, image.size)
    ground.paste(image, mask=mask)
    return ground


_STRENGTHS: tuple[tuple[str, Apply, tuple[float, ...]], ...] = (
    ("crop", crop, (80, 60, 40, 20)),
    ("rotate", rotate, (5, 20, 45, 90)),
    ("mirror", mirror, (100,)),
    ("text", write_text, (8, 16, 32)),
    ("colour", change_colour, (20, 40, 60)),
    ("blur", blur, (1, 2, 4)),
    ("jpeg", compress, (40, 15, 5)),
    ("padding", pad, (10, 25, 50)),
    ("inside", place_inside, (50, 25, 10)),
)
GRID = tuple(
    Edit(family, strength, apply)
    for family, apply, strengths in _STRENGTHS
    for strength in strengths
)

# What a copy search has to see through, at the strength that people use; the grid goes beyond.
USUAL = (
    Edit("crop", 30, crop),
    Edit("rotate", 15, rotate),
    Edit("mirror", 100, mirror),
    Edit("text", 16, write_text),
    Edit("colour", 40, change_colour),
    Edit("blur", 2, blur),
    Edit("jpeg", 30, compress),
    Edit("padding", 50, pad),
    Edit("inside", 25, place_inside),
)


def _scaled(size: tuple[int, int], factor: float) -> tuple[int, int]:
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
