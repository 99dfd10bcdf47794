"""Picture files to upright RGB pixels, with nothing believed that a file says about itself."""

from dataclasses import dataclass

from PIL import Image

from ml.errors import TooManyPixels, UndecodableImage, UnsupportedPicture
from ml.rules.refusals import PictureRefused, Refusal
from ml.rules.stored import Limits
from ml.rules.upright import read_upright
from ml.types import Box


@dataclass(frozen=True, slots=True, eq=False)
class DecodedFile:
    """A file's picture.

    Attributes:
        image: upright RGB.
        pages: where its pages are, in pixels of the full size; none where it has but one.
    """

    image: Image.Image
    pages: tuple[Box, ...]


def decode(data: bytes, *, max_pixels: int, min_side_px: int | None = None) -> Image.Image:
    """Return the picture in a file's bytes as upright RGB, 8 bits a channel; see `decode_pages`."""
    return decode_pages(data, max_pixels=max_pixels, min_side_px=min_side_px).image


def decode_pages(data: bytes, *, max_pixels: int, min_side_px: int | None = None) -> DecodedFile:
    """Return the picture in a file's bytes as upright RGB, 8 bits a channel, and its pages.

    JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC and AVIF are read, told apart by their bytes, as
    `docs/formats.md` states for each kind.

    Args:
        data: the whole file.
        max_pixels: largest declared width × height that is decoded at all. Pillow's own ceiling
            (twice `PIL.Image.MAX_IMAGE_PIXELS`, 179 million) holds beside it.
        min_side_px: None decodes at full size. A number lets a JPEG be decoded at 1/2, 1/4 or 1/8
            of its size, which is several times faster, as long as its short side stays at least
            that long.

    Raises:
        TooManyPixels: the file declares more than `max_pixels`; no pixel was decoded.
        UndecodableImage: no picture, none of these formats, or damaged or cut short; as
            UnsupportedPicture, of a kind that is not read.
    """
    try:
        upright = read_upright(data, limits=Limits(max_pixels), min_side_px=min_side_px)
    except PictureRefused as refused:
        if refused.refusal is Refusal.TOO_MANY_PIXELS:
            raise TooManyPixels(str(refused), **refused.context) from refused
        if refused.refusal is Refusal.UNSUPPORTED:
            raise UnsupportedPicture(str(refused)) from refused
        raise UndecodableImage(str(refused)) from refused
    pages = tuple(Box(page.x0, page.y0, page.x1, page.y1) for page in upright.pages)
    return DecodedFile(upright.image, pages)
