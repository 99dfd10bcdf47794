"""Thumbnails for pages: WebP, made of a JPEG when a page first shows them, then kept.

A picture costs them nothing when it comes into the catalogue, where they would take as long as all
the rest (docs/adr/0043).
"""

import logging

from catalog import storage
from catalog.storage import ThumbnailSize
from catalog.validation import WEBP_SIDES_PX, as_webp
from kernel.errors import FileMissing, TransientError
from kernel.regions import FULL_IMAGE_KEY, RegionKey

logger = logging.getLogger(__name__)


def read_webp(sha256: str, size: ThumbnailSize, region: RegionKey = FULL_IMAGE_KEY) -> bytes:
    """Return the thumbnail of a size of the image with this hash; it is made where it is missing.

    Args:
        sha256: of the image's original.
        size: for regions, one of `storage.REGION_SIZES`.
        region: of the image.

    Raises:
        FileMissing: there is neither it nor the JPEG that it is made of.
        TransientError: the storage is out of reach.
    """
    name = storage.webp_name(sha256, size, region)
    source = storage.region_thumbnail_name(sha256, region)
    try:
        return storage.read(name)
    except FileMissing:
        jpeg = storage.read(source)
    webp = as_webp(jpeg, side_px=WEBP_SIDES_PX[size])
    try:
        storage.write(name, webp)
        if region != FULL_IMAGE_KEY and storage.read(source) != jpeg:  # indexed anew meanwhile
            storage.delete(name)
    except FileMissing:  # it has no such region any more
        storage.delete(name)
    except TransientError:  # full or read-only: it is shown all the same, and made anew next time
        logger.warning("thumbnail not kept", extra={"file": name})
    return webp


def forget_webps(sha256: str, region: RegionKey) -> None:
    """Remove what was made of a region's JPEG: another one is there now.

    Raises:
        TransientError: the storage is out of reach.
    """
    for name in storage.webp_names(sha256, region):
        storage.delete(name)
