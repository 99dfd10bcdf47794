"""Upright RGB pictures in the middle of a grey rectangle, as detectors are trained."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.types import Box

# Source: LetterBox of ultralytics.data.augment, `padding_value`.
_GREY = 114


def letterbox(image: Image.Image, width_px: int, height_px: int) -> tuple[NDArray[np.uint8], Box]:
    """Return all of a picture in the middle of a grey rectangle, as detectors are trained.

    Args:
        image: upright RGB, any size ≥ 1 px; its shape is kept.
        width_px: of the rectangle.
        height_px: of the rectangle.

    Returns:
        (`height_px`, `width_px`, 3) uint8 RGB, and where in it the picture is.

    Source: LetterBox of ultralytics.data.augment; the halves of an odd border are rounded so.
    """
    import cv2  # here, because most encoders do without it

    scale = min(width_px / image.width, height_px / image.height)
    width, height = (max(1, round(length * scale)) for length in image.size)
    pixels = np.asarray(image)
    if image.size != (width, height):
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)
    left, top = round((width_px - width) / 2 - 0.1), round((height_px - height) / 2 - 0.1)
    canvas = np.full((height_px, width_px, 3), _GREY, dtype=np.uint8)
    canvas[top : top + height, left : left + width] = pixels
    return canvas, Box(left, top, left + width, top + height)
