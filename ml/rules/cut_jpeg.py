"""JPEGs that were cut short: the rows that are there, and whether they are enough to show."""

import re

import numpy as np
from PIL import Image

_END = b"\xff\xd9"
# A scan begins with this marker; of a progressive picture the first one shows all of it, coarsely.
_SCAN = re.compile(rb"\xff\xda")
_MIN_SHARE = 0.5


def completed_jpeg(data: bytes) -> bytes:
    """Return a JPEG with an end, so that decoders fill in what is missing in grey."""
    return data + _END


def shows_enough(image: Image.Image, data: bytes) -> bool:
    """Return whether a completed JPEG shows at least half of its rows.

    Args:
        image: decoded from `completed_jpeg`. Its missing rows are all of one colour.
        data: the file; a progressive one whose first scan is whole shows all rows.
    """
    if image.info.get("progressive") and len(_SCAN.findall(data)) > 1:
        return True
    pixels = np.asarray(image)
    last = pixels[-1, -1]
    for row in range(image.height - 1, -1, -1):
        if (pixels[row] != last).any():
            return row + 1 >= _MIN_SHARE * image.height
    return False
