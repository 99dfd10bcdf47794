"""Picture files to upright RGB pixels, with nothing believed that a file says about itself."""

from dataclasses import dataclass

from PIL import Image

from ml.errors import (
    MlError,
    NotAPicture,
    TooManyFrames,
    TooManyPixels,
    UndecodableImage,
    UnsupportedPicture,
)
from ml.rules.refusals import PictureRefused, Refusal
from ml.rules.stored import Limits
from ml.rules.upright import read_upright
from ml.types import Box

_ERRORS: dict[Refusal, type[MlError]] = {
    Refusal.NOT_A_PICTURE: NotAPicture,
    Refusal.UNSUPPORTED: UnsupportedPicture,
    Refusal.BROKEN: UndecodableImage,
    Refusal.TOO_MANY_PIXELS: TooManyPixels,
    Refusal.TOO_MANY_FRAMES: TooManyFrames,
}


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


def decode_pages(
    data: bytes,
    *,
    max_pixels: int,
    max_frames: int | None = None,
    min_side_px: int | None = None,
) -> DecodedFile:
    """Return the picture in a file's bytes as upright RGB, 8 bits a channel, and its pages.

    JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC and AVIF are read, told apart by their bytes, as
    `docs/formats.md` states for each kind.

    Args:
        data: the whole file.
        max_pixels: largest declared width × height that is decoded at all. Pillow's own ceiling
            (twice `PIL.Image.MAX_IMAGE_PIXELS`, 179 million) holds beside it.
        max_frames: most frames or pages of a file; None counts none.
        min_side_px: None decodes at full size. A number lets a JPEG be decoded at 1/2, 1/4 or 1/8
            of its size, which is several times faster, as long as its short side stays at least
            that long.

    Raises:
        TooManyPixels: the file declares more than `max_pixels`; no pixel was decoded.
        TooManyFrames: the file has more than `max_frames`; no pixel was decoded.
        UndecodableImage: damaged or cut short; as NotAPicture, none of these formats; as
            UnsupportedPicture, of a kind that is not read.
    """
    limits = Limits(max_pixels, max_frames)
    try:
        upright = read_upright(data, limits=limits, min_side_px=min_side_px)
    except PictureRefused as refused:
        raise _ERRORS[refused.refusal](str(refused), **refused.context) from refused
    pages = tuple(Box(page.x0, page.y0, page.x1, page.y1) for page in upright.pages)
    return DecodedFile(upright.image, pages)
