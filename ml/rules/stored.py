"""Pictures as a file stores them: opened in the one right way, and decoded one at a time.

Pillow decodes; pages of TIFFs that it misreads are read here (`ml.rules.tiff_samples`), and files
that lack a little at the end are completed.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from ml.rules.cut_jpeg import completed_jpeg, shows_enough
from ml.rules.frame_count import has_more_frames
from ml.rules.frames import shown_frame
from ml.rules.limits import MAX_PAGES
from ml.rules.opening import open_picture
from ml.rules.orientation import turn_for, turn_upright, turned_size
from ml.rules.png_chunks import completed_png
from ml.rules.png_depth import with_low_bits
from ml.rules.refusals import PictureRefused, Refusal
from ml.rules.tiff_directories import (
    TiffDirectory,
    TiffTag,
    beginning_at,
    is_tiff,
    read_directories,
    shown_directories,
)
from ml.rules.tiff_samples import is_readable, palette_of, read_samples

logger = logging.getLogger(__name__)

# Source: TIFF 6.0 and libtiff's tiff.h: none, CCITT (2 to 4), LZW, JPEG (6, 7), deflate (8, 32946),
# PackBits, LZMA, Zstandard. Others are refused before a decoder makes noise of them.
_COMPRESSIONS = (1, 2, 3, 4, 5, 6, 7, 8, 32946, 32773, 34925, 50000)
# Pages, previews and masks that are looked at to find those that are shown; the same for everybody,
# as the web and the workers have to find the same.
_MAX_DIRECTORIES = 200
# Formats that may be decoded at 1/2, 1/4 or 1/8 of the size that the header declares.
IN_LESS_DETAIL = ("JPEG", "MPO")
# What Pillow 13.0 is trusted with: samples of as many bits, in TIFFs but these.
_MAX_BITS, _BIG_OF_OTHER_ORDER = 8, b"MM\0+"


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest files that are decoded.

    Attributes:
        max_pixels: width × height of each stored picture.
        max_frames: frames or pages of a file; None counts none.
    """

    max_pixels: int
    max_frames: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPicture:
    """Pixels as they are stored, of any mode, and what turns them upright.

    Attributes:
        image: of any mode.
        turn: what turns it upright; None where it is.
        is_damaged: whether some of it is missing and was made up.
    """

    image: Image.Image
    turn: Image.Transpose | None
    is_damaged: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class StoredPicture:
    """One picture of a file, its header read.

    Attributes:
        size: width and height in pixels that the header declares: of a page, upright.
        decode: returns its pixels. A JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, as long as
            its short side keeps so many pixels; None is the full size. Raises any type where the
            file is damaged.
    """

    size: tuple[int, int]
    decode: Callable[[int | None], DecodedPicture]


@dataclass(frozen=True, slots=True, eq=False)
class StoredPictures:
    """What a file holds: its format by Pillow's name, and one picture, or those of all pages."""

    format: str
    pictures: tuple[StoredPicture, ...]


def open_stored(data: bytes, limits: Limits) -> StoredPictures:
    """Return the pictures of a file that are shown; only headers are read.

    Raises:
        PictureRefused: it is no picture, or of a kind that is not read, or larger than allowed.
        Exception: of any type, where it is damaged: see `refusing`.
    """
    return _open_tiff(data, limits) if is_tiff(data) else _open_other(data, limits)


# ---- All formats but TIFF


def _open_other(data: bytes, limits: Limits) -> StoredPictures:
    image = _opened(data, limits)
    if limits.max_frames is not None and has_more_frames(image, data, limit=limits.max_frames):
        raise PictureRefused(Refusal.TOO_MANY_FRAMES, max_frames=limits.max_frames)

    def decode(min_side_px: int | None) -> DecodedPicture:
        return _decoded(image, data, min_side_px)

    return StoredPictures(image.format or "", (StoredPicture(image.size, decode),))


def _opened(data: bytes, limits: Limits) -> Image.Image:
    """Read a header; no more pixels than allowed are declared in it."""
    try:
        image = open_picture(data)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(None, limits) from error
    except UnidentifiedImageError as error:
        reason = "The file is not a picture of a format that is read."
        raise PictureRefused(Refusal.NOT_A_PICTURE, reason) from error
    _check_pixels(image.size, limits)
    if image.mode == "P" and not (image.palette and image.palette.palette):
        raise PictureRefused(Refusal.BROKEN, "A picture of a palette's colours without a palette.")
    return image


def _decoded(image: Image.Image, data: bytes, min_side_px: int | None) -> DecodedPicture:
    is_damaged = False
    try:
        decoded = _pixels(image, data, min_side_px)
    except MemoryError:
        raise
    except Exception:
        completed = _completed(data, image.format)
        if completed is None:
            raise
        image = open_picture(completed)
        # Judged by all detail, whatever is asked for, so that everybody comes to the same end.
        if image.format != "PNG" and not shows_enough(_pixels(image, completed, None), data):
            raise
        image = open_picture(completed)
        decoded = _pixels(image, completed, min_side_px)
        logger.warning("a damaged picture is shown", extra={"format": image.format})
        is_damaged = True
    return DecodedPicture(decoded, turn_upright(image), is_damaged)


def _pixels(image: Image.Image, data: bytes, min_side_px: int | None) -> Image.Image:
    if min_side_px is not None and image.format in IN_LESS_DETAIL:
        image.draft(None, (min_side_px, min_side_px))
    return with_low_bits(shown_frame(image), data)


def _completed(data: bytes, file_format: str | None) -> bytes | None:
    """Return a file that was cut short with an end; None where that cannot be."""
    if file_format in ("JPEG", "MPO"):
        return completed_jpeg(data)
    return completed_png(data) if file_format == "PNG" else None


# ---- TIFF


def _open_tiff(data: bytes, limits: Limits) -> StoredPictures:
    """Return the pages that are shown; those of kinds that are not read are left out."""
    count = max(_MAX_DIRECTORIES, (limits.max_frames or 0) + 1)
    directories = read_directories(data, limit=count)
    if limits.max_frames is not None and len(directories) > limits.max_frames:
        raise PictureRefused(Refusal.TOO_MANY_FRAMES, max_frames=limits.max_frames)
    if not directories:
        raise PictureRefused(Refusal.NOT_A_PICTURE, "A TIFF without a page.")
    shown = shown_directories(directories[:_MAX_DIRECTORIES])[:MAX_PAGES]
    if not shown:
        raise PictureRefused(Refusal.BROKEN, "No page says how large it is.")
    for directory in shown:
        _check_pixels(directory.size, limits)
    pictures = tuple(_page(data, each) for each in shown if _is_read(data, each))
    if not pictures:
        raise PictureRefused(Refusal.UNSUPPORTED, "This kind of TIFF is not read.")
    return StoredPictures("TIFF", pictures)


def _page(data: bytes, directory: TiffDirectory) -> StoredPicture:
    turn = turn_for(directory.number(TiffTag.ORIENTATION, 1))

    def decode(_: int | None) -> DecodedPicture:
        image = _opened_page(data, directory)
        if image is None:
            return DecodedPicture(_samples(data, directory), turn)
        image.load()  # which turns it upright, too
        if image.mode == "P":
            image.putpalette(palette_of(directory))
        return DecodedPicture(image, None)

    return StoredPicture(turned_size(directory.size, turn), decode)


def _is_read(data: bytes, directory: TiffDirectory) -> bool:
    if directory.number(TiffTag.COMPRESSION, 1) not in _COMPRESSIONS:
        return False
    return is_readable(directory) or _opened_page(data, directory) is not None


def _samples(data: bytes, directory: TiffDirectory) -> Image.Image:
    image = read_samples(data, directory)
    if directory.icc_profile:
        image.info["icc_profile"] = directory.icc_profile
    return image


def _opened_page(data: bytes, directory: TiffDirectory) -> Image.Image | None:
    """Return a page as Pillow opens it; None where it does not, or would misread it."""
    if max(directory.bits) > _MAX_BITS or data[:4] == _BIG_OF_OTHER_ORDER:
        return None
    try:
        return open_picture(beginning_at(data, directory))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - parsers of headers raise any type
        return None


# ---- Refusing


def _check_pixels(size: tuple[int, int], limits: Limits) -> None:
    if size[0] * size[1] > limits.max_pixels:
        raise _too_many_pixels(size, limits)


def _too_many_pixels(size: tuple[int, int] | None, limits: Limits) -> PictureRefused:
    declared = {} if size is None else {"width": size[0], "height": size[1]}
    return PictureRefused(
        Refusal.TOO_MANY_PIXELS,
        f"The picture declares more pixels than the {limits.max_pixels} allowed.",
        **declared,
        max_pixels=limits.max_pixels,
    )
