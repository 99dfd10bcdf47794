"""The one place where picture files are opened, and where Pillow learns a format.

HEIC is no format of Pillow's own: importing this module registers its opener for the whole process,
so that every other `Image.open` reads HEIC too. Nothing else is changed about Pillow; ultralytics,
which puts an `open` of its own there, has that undone where it is loaded (`ml.weights.yolo`).
"""

from io import BytesIO

import pillow_heif
from PIL import Image

from ml.rules.file_types import FORMATS
from ml.rules.orientation import forget_xmp
from ml.rules.png_chunks import is_png, with_shown_chunks

pillow_heif.register_heif_opener()

# An MPO is opened as the JPEG that it begins with. HEIF is tried last, because AVIF lies in the
# same container: its decoder passes on what is none, and HEIC's fails on every AVIF.
_OPENED_AS = (*(name for name in FORMATS if name not in ("MPO", "HEIF")), "HEIF")


def open_picture(data: bytes) -> Image.Image:
    """Read the header of a picture file; formats that are not in `FORMATS` are never tried.

    Args:
        data: the whole file.

    Returns:
        The picture, not decoded yet; its `format` is one of `FORMATS`. Of a PNG, chunks that are
        damaged and no pixels are passed over; an orientation that stands in XMP alone is forgotten.

    Raises:
        PIL.UnidentifiedImageError: it is no picture of these formats.
        PIL.Image.DecompressionBombError: it declares more than `PILLOW_MAX_PIXELS`.
        Exception: of any type, where the header is damaged; that is how parsers are.
    """
    if is_png(data):
        data = with_shown_chunks(data)
    image = Image.open(BytesIO(data), formats=_OPENED_AS)
    forget_xmp(image)
    return image
