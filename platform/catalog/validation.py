"""Is this file a picture that we take in? The cheap questions first, the decoder last."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import pillow_heif
from django.conf import settings
from PIL import ExifTags, Image

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
THUMBNAIL_SIDE_PX = 400
_THUMBNAIL_QUALITY = 82


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
        _check_dimensions(picture)
        format_name = FORMATS[picture.format or ""]
        with _decoding():
            picture.load()
            upright = _upright(picture)
            width, height = upright.size
            thumbnail = _thumbnail(upright)
    return ValidPicture(
        sha256=sha256_hex(data),
        format=format_name,
        width=width,
        height=height,
        data=data,
        thumbnail=thumbnail,
    )


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


def _check_dimensions(picture: Image.Image) -> None:
    pixels = picture.width * picture.height
    if pixels > settings.UPLOAD_MAX_PIXELS:
        raise UserInputError(
            "image:user:too-many-pixels", pixels=pixels, max_pixels=settings.UPLOAD_MAX_PIXELS
        )
    with _decoding():
        frames = getattr(picture, "n_frames", 1)
    if frames > settings.UPLOAD_MAX_FRAMES:
        raise UserInputError(
            "image:user:too-many-frames", frames=frames, max_frames=settings.UPLOAD_MAX_FRAMES
        )


@contextmanager
def _decoding() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # decoders raise any type on damaged data
        raise UserInputError("image:user:broken", reason=str(error)) from error


def _upright(picture: Image.Image) -> Image.Image:
    try:
        operation = _UPRIGHT_BY_ORIENTATION.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001  # damaged metadata say nothing; the pixels are still good
        return picture
    return picture if operation is None else picture.transpose(operation)


def _thumbnail(upright: Image.Image) -> bytes:
    small = _displayable(upright)
    small.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX), reducing_gap=2.0)
    buffer = io.BytesIO()
    small.convert("RGB").save(buffer, "JPEG", quality=_THUMBNAIL_QUALITY)
    return buffer.getvalue()


def _displayable(picture: Image.Image) -> Image.Image:
    """Return a picture that can be resized and shown: 8 bits a channel, opaque, on white."""
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    if picture.mode in {"I", "F", "I;16", "I;16B", "I;16L"}:
        # Pillow's conversion clips at 255; spread the values that are there instead.
        values = np.nan_to_num(np.asarray(picture, dtype=np.float32))
        values -= values.min()
        values *= 255.0 / (values.max() or 1.0)
        return Image.fromarray(values.astype(np.uint8))
    return picture if picture.mode in {"RGB", "L"} else picture.convert("RGB")
