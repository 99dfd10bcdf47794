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


def cut(picture: Picture, x0: int, y0: int, x1: int, y1: int) -> Picture:
    """The part of a picture within these pixels."""
    return picture[y0:y1, x0:x1].copy()


def pasted(picture: Picture, ground: Picture, x: int, y: int) -> Picture:
    """The ground with the picture on it, its upper left corner at this place."""
    copy = ground.copy()
    copy[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    return copy


def written_over(picture: Picture, words: str) -> Picture:
    """The picture with large words across its middle."""
    copy = picture.copy()
    position = (5, picture.shape[0] // 2)
    for colour, thickness in (((0, 0, 0), 9), ((255, 255, 255), 4)):
        cv2.putText(copy, words, position, cv2.FONT_HERSHEY_SIMPLEX, 1.6, colour, thickness)
    return copy


def resized(picture: Picture, width: int, height: int) -> Picture:
    """The picture in another size."""
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def blurred(picture: Picture, radius_px: float) -> Picture:
    """The picture under a Gaussian of this deviation."""
    return cv2.GaussianBlur(picture, (0, 0), radius_px)


def warped(picture: Picture, quad: list[tuple[float, float]], width: int, height: int) -> Picture:
    """The picture on black, its corners (clockwise from the upper left) at these places."""
    h, w = picture.shape[:2]
    corners = np.array([(0, 0), (w, 0), (w, h), (0, h)], np.float32)
    half = np.array([(1, 0, -0.5), (0, 1, -0.5), (0, 0, 1)])  # OpenCV's pixels begin at -0.5
    matrix = cv2.getPerspectiveTransform(corners, np.array(quad, np.float32))
    return cv2.warpPerspective(picture, half @ matrix @ np.linalg.inv(half), (width, height))
