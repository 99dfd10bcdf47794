"""A file's picture as people see it: upright, RGB, in sRGB, all pages of a TIFF below each other.

The web makes its small pictures here and the workers what models look at, so that both see the
same, and boxes in one are boxes in the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil

from PIL import Image

from ml.rules.limits import MAX_PIXELS
from ml.rules.orientation import turned, turned_size, without_metadata
from ml.rules.page_stack import PageBox, PageStack, lay_out
from ml.rules.previews import without_previews
from ml.rules.refusals import refusing
from ml.rules.rgb import rendering_of, strips, to_rgb
from ml.rules.stored import (
    IN_LESS_DETAIL,
    DecodedPicture,
    Limits,
    StoredPicture,
    StoredPictures,
    open_stored,
)

# Pages together: more than a stack shows, since previews stand among them.
_MAX_COMPARED_PIXELS = 2 * MAX_PIXELS


@dataclass(frozen=True, slots=True, eq=False)
class UprightPixels:
    """A picture in RGB.

    Attributes:
        image: it says nothing of itself: no orientation, no profile.
        pages: where its pages are, in pixels of the full size; none where it has but one.
    """

    image: Image.Image
    pages: tuple[PageBox, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SmallPicture:
    """A small RGB picture of a file, and what is known of the whole.

    Attributes:
        format: a key of `ml.rules.file_types.FORMATS`.
        width: of the full size, upright, pixels.
        height: the same.
        image: RGB.
        is_damaged: whether some of the picture is missing.
    """

    format: str
    width: int
    height: int
    image: Image.Image
    is_damaged: bool = False


@refusing()
def read_upright(data: bytes, *, limits: Limits, min_side_px: int | None = None) -> UprightPixels:
    """Return a file's picture at its full size.

    Args:
        data: the file.
        limits: what is larger is refused, not decoded.
        min_side_px: lets a JPEG be decoded at 1/2, 1/4 or 1/8 of its size, which is several times
            faster, as long as its short side stays at least that long. None does not.

    Raises:
        PictureRefused: it is none that is read; the reason is its `refusal`.
    """
    pictures = _shown_pictures(open_stored(data, limits))
    if len(pictures) == 1:
        return UprightPixels(_rgb(pictures[0].decode(min_side_px)), ())
    stack = _stack(pictures)
    image = Image.new("RGB", (stack.width, stack.height), "white")
    for picture, box in zip(pictures, stack.pages, strict=True):
        image.paste(_rgb(picture.decode(None)), (box.x0, box.y0))
    return UprightPixels(image, stack.pages)


@refusing()
def read_small(data: bytes, *, side_px: int, limits: Limits) -> SmallPicture:
    """Return a file's picture, made small in strips; a JPEG is decoded in little more detail.

    That finds the same damage: libjpeg reads all of the file for whatever detail it gives.

    Args:
        data: the file.
        side_px: its longer side at most; it is not enlarged.
        limits: what is larger is refused, not decoded.

    Raises:
        PictureRefused: it is none that is read; the reason is its `refusal`.
    """
    stored = open_stored(data, limits)
    pictures = _shown_pictures(stored)
    if len(pictures) == 1:
        picture = pictures[0]
        decoded = picture.decode(ceil(side_px * min(picture.size) / max(picture.size)))
        image = _shrunk(decoded, min(1.0, side_px / max(decoded.image.size)))
        is_jpeg = stored.format in IN_LESS_DETAIL
        size = picture.size if is_jpeg else decoded.image.size
        width, height = turned_size(size, decoded.turn)
        return SmallPicture(stored.format, width, height, image, decoded.is_damaged)
    stack = _stack(pictures)
    scale = min(1.0, side_px / max(stack.width, stack.height))
    image = Image.new("RGB", _scaled((stack.width, stack.height), scale), "white")
    for picture, box in zip(pictures, stack.pages, strict=True):
        small = _shrunk(picture.decode(None), scale)
        image.paste(small, (round(box.x0 * scale), round(box.y0 * scale)))
    return SmallPicture(stored.format, stack.width, stack.height, image)


def _shown_pictures(stored: StoredPictures) -> list[StoredPicture]:
    """Return the pictures that are no smaller copies of others, as many as a stack may hold."""
    pictures = _within_reach(stored.pictures)
    if len(pictures) == 1:
        return pictures
    sizes = [picture.size for picture in pictures]
    shown = without_previews(sizes, lambda page: _rgb(pictures[page].decode(None)))
    pictures = [pictures[page] for page in shown]
    return pictures[: len(_stack(pictures).pages)]


def _within_reach(pictures: Sequence[StoredPicture]) -> list[StoredPicture]:
    """Return the first pictures, of as many pixels as are decoded to find previews among them."""
    pixels = accumulate(picture.size[0] * picture.size[1] for picture in pictures)
    reached = sum(each <= _MAX_COMPARED_PIXELS for each in pixels)
    return list(pictures[: max(1, reached)])


def _stack(pictures: Sequence[StoredPicture]) -> PageStack:
    return lay_out([picture.size for picture in pictures], max_pixels=MAX_PIXELS)


def _rgb(decoded: DecodedPicture) -> Image.Image:
    return without_metadata(turned(to_rgb(decoded.image), decoded.turn))


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _shrunk(decoded: DecodedPicture, scale: float) -> Image.Image:
    """Return a picture upright, RGB, `scale` times as large; scale ≤ 1."""
    picture = decoded.image
    width, height = _scaled(picture.size, scale)
    # Averaged by a whole factor first, to no less than twice the size, then resized to it.
    factor = max(1, int(1 / (2 * scale) + 1e-9))
    box = (0, 0, picture.width / factor, picture.height / factor)
    # Of half bicubic's cost, and as sharp where it makes smaller.
    small = _reduced(picture, factor).resize((width, height), Image.Resampling.HAMMING, box)
    return without_metadata(turned(small, decoded.turn))


def _reduced(picture: Image.Image, factor: int) -> Image.Image:
    """Return the picture as RGB, `factor` times smaller; strip by strip, to spare memory.

    A last row or column of fewer than `factor` pixels counts as a whole one.
    """
    rendering = rendering_of(picture)
    if picture.mode == "RGB" and not picture.has_transparency_data:
        # Most photos are so already: in strips each pixel would be copied four times. Colours are
        # turned into sRGB at the small size, which is 20 times faster and looks the same.
        return to_rgb(picture.reduce(factor) if factor > 1 else picture, rendering)
    size = (ceil(picture.width / factor), ceil(picture.height / factor))
    reduced = Image.new("RGB", size)
    top = 0
    for strip in strips(picture, rows_in=factor):
        small = to_rgb(strip, rendering).reduce(factor)
        reduced.paste(small, (0, top))
        top += small.height
    return reduced
