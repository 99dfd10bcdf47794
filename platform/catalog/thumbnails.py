"""Thumbnails for pages: WebP, made of an image's JPEG when a page first shows them, then kept.

A picture costs them nothing when it comes into the catalogue, where they would take as long as all
the rest (docs/adr/0043).
"""

import logging

from catalog import storage
from catalog.storage import ThumbnailSize
from catalog.validation import WEBP_SIDES_PX, as_webp
from kernel.errors import FileMissing, TransientError

logger = logging.getLogger(__name__)


def read_webp(sha256: str, size: ThumbnailSize) -> bytes:
    """Return the thumbnail of a size of the image with this hash; it is made where it is missing.

    Raises:
        FileMissing: there is neither it nor the JPEG that it is made of.
        TransientError: the storage is out of reach.
    """
    name = storage.webp_name(sha256, size)
    try:
        return storage.read(name)
    except FileMissing:
        jpeg = storage.read(storage.thumbnail_name(sha256))
    webp = as_webp(jpeg, side_px=WEBP_SIDES_PX[size])
    try:
        storage.write(name, webp)
    except TransientError:  # full or read-only: it is shown all the same, and made anew next time
        logger.warning("thumbnail not kept", extra={"file": name})
    return webp
