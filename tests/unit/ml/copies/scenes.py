"""Textured pictures that tests draw: shapes of many sizes, another arrangement for every seed."""

from functools import lru_cache
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]


@lru_cache(maxsize=64)
def scene(seed: int, width: int = 320, height: int = 240) -> Picture:
    """(height, width, 3) uint8 RGB: polygons and discs over soft ground; read-only."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 200, (5, 6, 3), np.uint8)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(120):
        colour = tuple(int(level) for level in rng.integers(0, 256, 3))
        size = float(rng.uniform(0.02, 0.12)) * max(width, height)
        centre = rng.uniform((0, 0), (width, height))
        if rng.random() < 0.3:
            cv2.circle(picture, centre.astype(int).tolist(), int(size / 2), colour, -1, cv2.LINE_AA)
        else:
            corners = centre + rng.uniform(-size, size, (int(rng.integers(3, 6)), 2))
            cv2.fillPoly(picture, [corners.astype(np.int32)], colour, cv2.LINE_AA)
    picture.setflags(write=False)
    return picture


def jpeg(picture: Picture, quality: int) -> Picture:
    """The picture after a JPEG of this quality."""
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "JPEG", quality=quality)
    return np.array(Image.open(buffer).convert("RGB"))
