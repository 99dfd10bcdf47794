"""Is this file a picture that we take in? The cheap questions first, the decoder last."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import PurePath

import numpy as np
import pillow_heif
from django.conf import settings
from numpy.typing import NDArray
from PIL import ExifTags, Image

from catalog.frames import has_more_frames
from kernel.errors import UserInputError
from kernel.hashing import sha256_hex

pillow_heif.register_heif_opener()

# Pillow's name → ours. Nothing else is ever handed to a decoder.
FORMATS = {
    "JPEG": "jpeg",
    "MPO": "jpeg",  # a JPEG with a second view behind it, as many cameras write
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tiff",
    "HEIF": "heic",
    "AVIF": "avif",
}
MIME_TYPES = {name: f"image/{name}" for name in FORMATS.values()}
# A name with one of these endings promises a picture; folders are searched for them.
EXTENSIONS = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".webp",
        ".gif",
        ".bmp",
        ".dib",
        ".tif",
        ".tiff",
        ".heic",
        ".heif",
        ".hif",
        ".avif",
    ]
)
# Pictures too, but of kinds that we do not read: said so instead of passed over.
UNSUPPORTED_EXTENSIONS = frozenset(
    [
        ".svg",
        ".svgz",
        ".psd",
        ".psb",
        ".ai",
        ".eps",
        ".ico",
        ".jp2",
        ".jxl",
        ".tga",
        ".xcf",
        ".raw",
        ".cr2",
        ".cr3",
        ".nef",
        ".arw",
        ".dng",
    ]
)
# Pillow opens an MPO as the JPEG that it begins with.
_OPENED_AS = [name for name in FORMATS if name != "MPO"]
# Source: Exif 2.32, 4.6.4 A, tag Orientation; 1 is upright already. Pillow's own `exif_transpose`
# also writes the tags anew, which fails on the odd ones that many cameras leave.
_UPRIGHT_BY_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SWAPPING_SIDES = frozenset(_UPRIGHT_BY_ORIENTATION[orientation] for orientation in (5, 6, 7, 8))
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
    ending = PurePath(name).suffix.lower()
    if ending in UNSUPPORTED_EXTENSIONS:
        raise UserInputError("image:user:unsupported-format", extension=ending)
    with _open(data, ending) as picture:
        if ending and ending not in EXTENSIONS:
            raise UserInputError("image:user:wrong-extension", extension=ending)
        _check_dimensions(picture, data)
        format_name = FORMATS[picture.format or ""]
        with _decoding():
            picture.load()
            turn = _turn_upright(picture)
            width, height = picture.size[::-1] if turn in _SWAPPING_SIDES else picture.size
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
            return _thumbnail(picture, _turn_upright(picture), side_px=side_px)


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
            picture = Image.open(io.BytesIO(data), formats=_OPENED_AS)
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


def _turn_upright(picture: Image.Image) -> Image.Transpose | None:
    try:
        return _UPRIGHT_BY_ORIENTATION.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001  # damaged metadata say nothing; the pixels are still good
        return None


def _thumbnail(picture: Image.Image, turn: Image.Transpose | None, *, side_px: int) -> bytes:
    scale = min(1.0, side_px / max(picture.size))
    width, height = (max(1, round(side * scale)) for side in picture.size)
    # Averaged by a whole factor first, to no less than twice the size, then resized to it.
    factor = max(1, max(picture.size) // (2 * side_px))
    box = (0, 0, picture.width / factor, picture.height / factor)
    small = _reduced(picture, factor).resize((width, height), Image.Resampling.BICUBIC, box)
    buffer = io.BytesIO()
    small = small if turn is None else small.transpose(turn)
    small.save(buffer, "JPEG", quality=_THUMBNAIL_QUALITY)
    return buffer.getvalue()


def _reduced(picture: Image.Image, factor: int) -> Image.Image:
    """Return the picture as RGB on white, `factor` times smaller; strip by strip, to spare memory.

    A last row or column of fewer than `factor` pixels counts as a whole one.
    """
    tones = _tones(picture)
    size = (ceil(picture.width / factor), ceil(picture.height / factor))
    reduced = Image.new("RGB", size)
    top = 0
    for strip in _strips(picture, rows_in=factor):
        small = _displayable(strip, tones).reduce(factor)
        reduced.paste(small, (0, top))
        top += small.height
    return reduced


def _strips(picture: Image.Image, *, rows_in: int = 1) -> Iterator[Image.Image]:
    """Yield the picture from top to bottom; all strips but the last have n × `rows_in` rows."""
    rows = rows_in * max(1, _STRIP_PIXELS // (picture.width * rows_in))
    for top in range(0, picture.height, rows):
        yield picture.crop((0, top, picture.width, min(top + rows, picture.height)))


def _displayable(strip: Image.Image, tones: tuple[float, float]) -> Image.Image:
    """Return the strip with 8 bits a channel, opaque, on white."""
    if strip.mode[0] in "IF":  # Pillow's conversion clips at 255
        black, white = tones
        values = (_samples(strip) - black) * (255.0 / (white - black))
        return Image.fromarray(np.rint(values).astype(np.uint8))
    if strip.has_transparency_data:
        opaque, strip = Image.new("RGB", strip.size, "white"), strip.convert("RGBA")
        opaque.paste(strip, mask=strip)
        return opaque
    return strip if strip.mode == "RGB" else strip.convert("RGB")


def _tones(picture: Image.Image) -> tuple[float, float]:
    """Return which values stand for black and for white, the same as `ml.images.decode` says.

    16 bits are used whole. 32-bit samples do not say how they are scaled: the first usual range
    that holds them all is taken, and their own extremes where none does.
    """
    if picture.mode not in {"I", "F"}:
        return 0.0, 65535.0
    extremes = [(values.min(), values.max()) for values in map(_samples, _strips(picture))]
    low, high = float(min(low for low, _ in extremes)), float(max(high for _, high in extremes))
    for ceiling in (1.0, 255.0, 65535.0) if picture.mode == "F" else (255.0, 65535.0):
        if low >= 0.0 and high <= ceiling:
            return 0.0, ceiling
    return low, max(high, low + 1.0)


def _samples(strip: Image.Image) -> NDArray[np.float64]:
    """Return the (H, W) samples of a greyscale strip; what is no number is 0."""
    values = np.asarray(strip, dtype=np.float64)
    return np.where(np.isfinite(values), values, 0.0)
