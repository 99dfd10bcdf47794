"""The work copy of a picture, and what is computed of it once for all of its regions."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.seams import Seams, find_seams
from ml.types import Box

# Pixels of the work copy: of 1600 × 1200 px it is 1000 × 750, where a gutter of 2 px is still one
# wide. Long pages and panoramas keep what their narrow side shows.
_WORK_PIXELS = 750_000
# The least side of a panel, in pixels of the original and as a share of the sheet's mean side:
# below them are icons and avatars, or the pieces of a photo.
_LEAST_SIDE_PX, _LEAST_SHARE = 64, 1 / 16
_LEAST_WORK_PX = 12
# A picture is very dark if so few of its levels are above so many; more gain shows JPEG noise.
_BRIGHT_SHARE, _ENOUGH, _MOST_GAIN, _EVERY_PX = 0.99, 100.0, 4.0, 5
FLAT, SHARP = 2, 48  # grey levels between neighbours: less is flat page, more is text or an edge
_SURROUNDINGS_PX, _TEXTURED = 17, 0.4  # a line of text high; the share that is neither


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture as its regions are judged.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, the work copy, brightened where it was very dark.
        scale: its pixels per pixel of the original, 0 < scale ≤ 1.
        seams: its straight edges.
        gradient: (H, W) uint8: the larger step of luminance to the pixel at the left and above.
        textured: (H + 1, W + 1) int32 summed-area table of 0 and 1: whether most of a pixel's
            surroundings is neither flat nor sharp, as photos are, and seldom text and drawings.
        least_side: pixels of the work copy that a panel's sides have at least.
    """

    pixels: NDArray[np.uint8]
    scale: float
    seams: Seams
    gradient: NDArray[np.uint8]
    textured: NDArray[np.int32]
    least_side: float

    @property
    def whole(self) -> Box:
        """All of the work copy."""
        height, width = self.gradient.shape
        return Box(0, 0, width, height)

    def is_large(self, box: Box) -> bool:
        """Whether a box of the work copy is large enough for a panel."""
        return min(box.width, box.height) >= self.least_side

    def textured_px(self, box: Box) -> int:
        """Return how many pixels of a box of the work copy are textured."""
        table = self.textured
        lower = int(table[box.y1, box.x1]) - int(table[box.y1, box.x0])
        return lower - int(table[box.y0, box.x1]) + int(table[box.y0, box.x0])


def make_sheet(pixels: NDArray[np.uint8]) -> Sheet:
    """Return the sheet of a picture, (H, W, 3) uint8 RGB, H and W ≥ 1."""
    copy, scale = _shrunken(pixels)
    copy = _brightened(copy)
    grey = np.asarray(cv2.cvtColor(copy, cv2.COLOR_RGB2GRAY), np.uint8)
    gradient = np.zeros_like(grey)
    gradient[:, 1:] = cv2.absdiff(grey[:, 1:], grey[:, :-1]) if grey.shape[1] > 1 else 0
    if grey.shape[0] > 1:
        gradient[1:] = np.maximum(gradient[1:], cv2.absdiff(grey[1:], grey[:-1]))
    least = max(_LEAST_WORK_PX, _LEAST_SIDE_PX * scale, float(grey.size) ** 0.5 * _LEAST_SHARE)
    return Sheet(copy, scale, find_seams(copy), gradient, _textured(gradient), least)


def _textured(gradient: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return the table `Sheet.textured` of the gradient."""
    is_middling = cv2.inRange(gradient, (FLAT + 1,), (SHARP,))
    share = cv2.blur(is_middling, (_SURROUNDINGS_PX, _SURROUNDINGS_PX))
    textured = cv2.threshold(share, _TEXTURED * 255, 1, cv2.THRESH_BINARY)[1]
    return np.asarray(cv2.integral(textured), np.int32)


def _brightened(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return very dark pixels brighter, so that steps in them count as they do in daylight."""
    # Counted: finding the quantile by order takes ten times as long.
    counts = np.bincount(pixels[::_EVERY_PX, ::_EVERY_PX].ravel(), minlength=256)
    bright = float(np.searchsorted(np.cumsum(counts), _BRIGHT_SHARE * counts.sum()))
    gain = min(_MOST_GAIN, _ENOUGH / max(bright, 1.0))
    return pixels if gain <= 1.0 else np.asarray(cv2.convertScaleAbs(pixels, alpha=gain), np.uint8)


def _shrunken(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    height, width = pixels.shape[:2]
    scale = (_WORK_PIXELS / (height * width)) ** 0.5
    if scale >= 1.0:
        return np.ascontiguousarray(pixels), 1.0
    # By a whole factor first, which is quick and exact; what is left is less than a half.
    factor = int(1 / scale)
    size = (max(1, width // factor), max(1, height // factor))
    coarse = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if factor > 1 else pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    copy = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(copy, np.uint8), scale
