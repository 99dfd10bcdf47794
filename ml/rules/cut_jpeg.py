"""JPEGs that were cut short: the rows that are there, and whether they are enough to show."""

import struct

import numpy as np
from PIL import Image

_END, _SCAN = b"\xff\xd9", b"\xff\xda"
_MIN_SHARE = 0.5
# Source: ITU-T T.81, A.1.1: what is coded together, at least.
_BLOCK_PX = 8


def completed_jpeg(data: bytes) -> bytes:
    """Return a JPEG with an end, so that decoders fill in what is missing in grey."""
    return data + _END


def shows_enough(image: Image.Image, data: bytes) -> bool:
    """Return whether a completed JPEG shows more than half of its rows to their right end.

    Args:
        image: decoded from `completed_jpeg`. Its missing rows are all of one colour.
        data: the file; a progressive one whose first scan is whole shows all rows, coarsely.
    """
    if image.info.get("progressive") and _SCAN in data[_first_scan(data) + 2 :]:
        return True
    pixels = np.asarray(image)
    last = pixels[-1, -1]
    for row in range(image.height - 1, -1, -1):
        if (pixels[row, -_BLOCK_PX:] != last).any():
            return row + 1 > _MIN_SHARE * image.height
    return False


def _first_scan(data: bytes) -> int:
    """Return where the first scan begins; a thumbnail in the metadata before it has its own.

    Source: ITU-T T.81, B.1.1.4: segments are led by a marker and their length.
    """
    at = 2
    while at + 4 <= len(data) and data[at : at + 2] != _SCAN:
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return at
