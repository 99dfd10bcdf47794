"""Is this file a picture that we take in? The cheap questions first, the decoder last."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings

from catalog.storage import ThumbnailSize
from kernel.errors import UserInputError
from kernel.hashing import sha256_hex
from ml.rules.file_types import FORMATS, PICTURE_ENDINGS, UNSUPPORTED_ENDINGS, ending_of
from ml.rules.opening import open_picture
from ml.rules.refusals import PictureRefused, Refusal
from ml.rules.stored import Limits
from ml.rules.upright import SmallPicture, read_small

MIME_TYPES = {name: f"image/{name}" for name in FORMATS.values()}
THUMBNAIL_SIDE_PX = 400
_THUMBNAIL_QUALITY = 82
# Longer sides of the thumbnails for pages. Lists show 64 pixels, pages some 220.
WEBP_SIDES_PX = {
    ThumbnailSize.SMALL: 128,
    ThumbnailSize.MEDIUM: 256,
    ThumbnailSize.LARGE: THUMBNAIL_SIDE_PX,
}
_WEBP_QUALITY = 75
# Of 0 to 6: twice as fast as the 4 that is usual, for 3% more bytes.
_WEBP_METHOD = 2


@dataclass(frozen=True, slots=True)
class ValidPicture:
    """A file that decodes: its facts, and a thumbnail made on the way.

    Width and height are those of the upright picture; `is_damaged` says that some of it is missing,
    so little that everybody shows it. The thumbnail is a JPEG, upright,
    sRGB, opaque, its longer side at most THUMBNAIL_SIDE_PX.
    """

    sha256: str
    format: str
    width: int
    height: int
    data: bytes
    thumbnail: bytes
    is_damaged: bool = False


def validate(
    data: bytes, *, name: str = "", is_name_binding: bool = True, sha256: str = ""
) -> ValidPicture:
    """Return what is known of a picture file after decoding it once.

    Args:
        data: the file's bytes.
        name: its file name; only its ending is looked at.
        is_name_binding: whether a picture under another ending than a picture's is refused. If it
            is not, the ending only helps to say what a file is that is none.
        sha256: of the bytes, where the caller has it.

    Raises:
        UserInputError: "image:user:…": empty-file, too-large, unsupported-format, not-a-picture,
            wrong-extension, too-many-pixels, too-many-frames, broken.
    """
    check_size(len(data))
    ending = ending_of(name)
    if is_name_binding and ending in UNSUPPORTED_ENDINGS:
        raise UserInputError("image:user:unsupported-format", extension=ending)
    with _refusals(data, ending):
        small = read_small(data, side_px=THUMBNAIL_SIDE_PX, limits=_limits())
    if is_name_binding and ending and ending not in PICTURE_ENDINGS:
        raise UserInputError("image:user:wrong-extension", extension=ending)
    return ValidPicture(
        sha256=sha256 or sha256_hex(data),
        format=FORMATS[small.format],
        width=small.width,
        height=small.height,
        data=data,
        thumbnail=_jpeg(small),
        is_damaged=small.is_damaged,
    )


def preview(data: bytes, *, side_px: int) -> bytes:
    """Return a picture file that `validate` took, as a JPEG, upright, sRGB, opaque.

    Args:
        data: the file's bytes.
        side_px: the JPEG's longer side at most.

    Raises:
        UserInputError: as `validate`.
    """
    with _refusals(data, ""):
        return _jpeg(read_small(data, side_px=side_px, limits=_limits()))


def as_webp(thumbnail: bytes, *, side_px: int) -> bytes:
    """Return a thumbnail of ours, a JPEG, as a WebP of at most `side_px` a side."""
    buffer = io.BytesIO()
    with open_picture(thumbnail) as image:
        image.thumbnail((side_px, side_px))
        image.save(buffer, "WEBP", quality=_WEBP_QUALITY, method=_WEBP_METHOD)
    return buffer.getvalue()


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
def _refusals(data: bytes, ending: str) -> Iterator[None]:
    """Let a refused file out with the code that people are shown."""
    try:
        yield
    except PictureRefused as refused:
        refusal = refused.refusal
        is_drawing = b"<svg" in data[:1024].lower()
        if refusal is Refusal.NOT_A_PICTURE and (is_drawing or ending in UNSUPPORTED_ENDINGS):
            refusal = Refusal.UNSUPPORTED
        context = {"extension": ending or (".svg" if is_drawing else ""), "reason": str(refused)}
        raise UserInputError(f"image:user:{refusal}", **context | refused.context) from refused


def _limits() -> Limits:
    return Limits(settings.UPLOAD_MAX_PIXELS, settings.UPLOAD_MAX_FRAMES)


def _jpeg(small: SmallPicture) -> bytes:
    buffer = io.BytesIO()
    small.image.save(buffer, "JPEG", quality=_THUMBNAIL_QUALITY)
    return buffer.getvalue()
