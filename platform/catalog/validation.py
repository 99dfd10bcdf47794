"""Is this file a picture that we take in? The cheap questions first, the decoder last."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil

from django.conf import settings
from PIL import Image

from catalog.frames import has_more_frames
from kernel.errors import UserInputError
from kernel.hashing import sha256_hex
from ml.rules.file_types import FORMATS, PICTURE_ENDINGS, UNSUPPORTED_ENDINGS, ending_of
from ml.rules.opening import open_picture
from ml.rules.orientation import turn_upright, turned, turned_size
from ml.rules.rgb import has_deep_samples, to_rgb, tones_of

MIME_TYPES = {name: f"image/{name}" for name in FORMATS.values()}
THUMBNAIL_SIDE_PX = 400
_THUMBNAIL_QUALITY = 82
# Pixels made displayable at a time. A whole picture of 100 megapixels took 2 GB that way.
_STRIP_PIXELS = 4_000_000


@dataclass(frozen=True, slots=True)
class ValidPicture:
    """A file that decodes: its facts, and a thumbnail made on the way.

    Width and height are those of the upright picture. The thumbnail is a JPEG, upright, RGB, on
    white, its longer side at most THUMBNAIL_SIDE_PX.
    """

    sha256: str
    format: str
    width: int
    height: int
    data: bytes
    thumbnail: bytes


def validate(data: bytes, *, name: str = "") -> ValidPicture:
    """Return what is known of a picture file after decoding it once.

    Args:
        data: the file's bytes.
        name: its file name; only its ending is looked at.

    Raises:
        UserInputError: "image:user:…": empty-file, too-large, unsupported-format, not-a-picture,
            wrong-extension, too-many-pixels, too-many-frames, broken.
    """
    check_size(len(data))
    ending = ending_of(name)
    if ending in UNSUPPORTED_ENDINGS:
        raise UserInputError("image:user:unsupported-format", extension=ending)
    with _open(data, ending) as picture:
        if ending and ending not in PICTURE_ENDINGS:
            raise UserInputError("image:user:wrong-extension", extension=ending)
        _check_dimensions(picture, data)
        format_name = FORMATS[picture.format or ""]
        with _decoding():
            picture.load()
            turn = turn_upright(picture)
            width, height = turned_size(picture.size, turn)
            thumbnail = _thumbnail(picture, turn, side_px=THUMBNAIL_SIDE_PX)
    return ValidPicture(
        sha256=sha256_hex(data),
        format=format_name,
        width=width,
        height=height,
        data=data,
        thumbnail=thumbnail,
    )


def preview(data: bytes, *, side_px: int) -> bytes:
    """Return a picture file that `validate` took, as a JPEG, upright, RGB, on white.

    Args:
        data: the file's bytes.
        side_px: the JPEG's longer side at most.

    Raises:
        UserInputError: as `validate`.
    """
    with _open(data, "") as picture:
        _check_dimensions(picture, data)
        with _decoding():
            picture.draft("RGB", (side_px, side_px))  # a JPEG in no more detail than is shown
            picture.load()
            return _thumbnail(picture, turn_upright(picture), side_px=side_px)


def check_size(file_bytes: int) -> None:
    """Refuse an empty or oversized file; callers ask before they read it.

    Raises:
        UserInputError: "image:user:empty-file" or "image:user:too-large".
    """
    if file_bytes == 0:
        raise UserInputError("image:user:empty-file")
    if file_bytes > settings.UPLOAD_MAX_BYTES:
        raise UserInputError(
            "image:user:too-large", file_bytes=file_bytes, max_bytes=settings.UPLOAD_MAX_BYTES
        )


@contextmanager
def _open(data: bytes, ending: str) -> Iterator[Image.Image]:
    """Read the header only; formats that we do not take in are never tried."""
    with warnings.catch_warnings():
        # Our own limit on pixels follows; Pillow's is below it only as a warning.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            picture = open_picture(data)
        except Image.DecompressionBombError as error:
            raise UserInputError(
                "image:user:too-many-pixels", max_pixels=settings.UPLOAD_MAX_PIXELS
            ) from error
        except Exception as error:  # decoders raise any type on damaged headers
            code = "image:user:not-a-picture"
            if b"<svg" in data[:1024].lower():
                code = "image:user:unsupported-format"
            raise UserInputError(code, extension=ending or ".svg") from error
        with picture:
            yield picture


def _check_dimensions(picture: Image.Image, data: bytes) -> None:
    pixels = picture.width * picture.height
    if pixels > settings.UPLOAD_MAX_PIXELS:
        raise UserInputError(
            "image:user:too-many-pixels", pixels=pixels, max_pixels=settings.UPLOAD_MAX_PIXELS
        )
    with _decoding():
        is_too_long = has_more_frames(picture, data, limit=settings.UPLOAD_MAX_FRAMES)
    if is_too_long:
        raise UserInputError("image:user:too-many-frames", max_frames=settings.UPLOAD_MAX_FRAMES)


@contextmanager
def _decoding() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # decoders raise any type on damaged data
        raise UserInputError("image:user:broken", reason=str(error)) from error


def _thumbnail(picture: Image.Image, turn: Image.Transpose | None, *, side_px: int) -> bytes:
    scale = min(1.0, side_px / max(picture.size))
    width, height = (max(1, round(side * scale)) for side in picture.size)
    # Averaged by a whole factor first, to no less than twice the size, then resized to it.
    factor = max(1, max(picture.size) // (2 * side_px))
    box = (0, 0, picture.width / factor, picture.height / factor)
    small = _reduced(picture, factor).resize((width, height), Image.Resampling.BICUBIC, box)
    buffer = io.BytesIO()
    turned(small, turn).save(buffer, "JPEG", quality=_THUMBNAIL_QUALITY)
    return buffer.getvalue()


def _reduced(picture: Image.Image, factor: int) -> Image.Image:
    """Return the picture as RGB on white, `factor` times smaller; strip by strip, to spare memory.

    A last row or column of fewer than `factor` pixels counts as a whole one.
    """
    if picture.mode == "RGB" and not picture.has_transparency_data:
        # Most photos are so already: in strips each pixel would be copied four times.
        return picture.reduce(factor) if factor > 1 else picture
    tones = tones_of(_strips(picture)) if has_deep_samples(picture) else None
    size = (ceil(picture.width / factor), ceil(picture.height / factor))
    reduced = Image.new("RGB", size)
    top = 0
    for strip in _strips(picture, rows_in=factor):
        small = to_rgb(strip, tones).reduce(factor)
        reduced.paste(small, (0, top))
        top += small.height
    return reduced


def _strips(picture: Image.Image, *, rows_in: int = 1) -> Iterator[Image.Image]:
    """Yield the picture from top to bottom; all strips but the last have n × `rows_in` rows."""
    rows = rows_in * max(1, _STRIP_PIXELS // (picture.width * rows_in))
    for top in range(0, picture.height, rows):
        yield picture.crop((0, top, picture.width, min(top + rows, picture.height)))
