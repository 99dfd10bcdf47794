"""The work copy of a picture, and what is computed of it once for all of its regions."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.config import CONFIG
from ml.panels.measurement.seams import Seams, find_seams
from ml.types import Box


@dataclass(frozen=True, slots=True)
class WorkCopy:
    """A picture as it is searched for panels.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, the work copy, brightened where it was very dark.
        scale: its pixels per pixel of the original, 0 < scale ≤ 1.
        seams: its straight edges.
        gradient: (H, W) uint8: the larger step of luminance to the pixel at the left and above.
        textured: (H + 1, W + 1) int32 summed-area table of 0 and 1: whether most of a pixel's
            surroundings is neither flat nor sharp, as photos are, and seldom text and drawings.
        min_side_px: pixels of the work copy that a panel's sides have at least.
    """

    pixels: NDArray[np.uint8]
    scale: float
    seams: Seams
    gradient: NDArray[np.uint8]
    textured: NDArray[np.int32]
    min_side_px: float

    @property
    def bounds(self) -> Box:
        """All of the work copy."""
        height, width = self.gradient.shape
        return Box(0, 0, width, height)

    @property
    def area(self) -> int:
        """Pixels of the work copy."""
        return self.gradient.size

    def is_large_enough(self, box: Box) -> bool:
        """Whether a box of the work copy is large enough for a panel."""
        return min(box.width, box.height) >= self.min_side_px

    def may_show_photo(self, box: Box) -> bool:
        """Whether a box has as much texture as the smallest photo; most text has not."""
        needed = CONFIG.search.min_textured_share * self.min_side_px**2
        return self.textured_px(box) >= needed

    def stroke_px(self, box: Box) -> int:
        """Return how many pixels of a box have steps as high as strokes of letters."""
        gradient = self.gradient[box.y0 : box.y1, box.x0 : box.x1]
        is_stroke = gradient > CONFIG.work_copy.strokes_above_levels
        return cv2.countNonZero(np.asarray(is_stroke, np.uint8))

    def textured_px(self, box: Box) -> int:
        """Return how many pixels of a box of the work copy are textured."""
        table = self.textured
        lower = int(table[box.y1, box.x1]) - int(table[box.y1, box.x0])
        return lower - int(table[box.y0, box.x1]) + int(table[box.y0, box.x0])


def make_work_copy(pixels: NDArray[np.uint8]) -> WorkCopy:
    """Return the work copy of a picture, (H, W, 3) uint8 RGB, H and W ≥ 1."""
    copy, scale = _shrunken(pixels)
    copy = _brightened(copy)
    grey = np.asarray(cv2.cvtColor(copy, cv2.COLOR_RGB2GRAY), np.uint8)
    gradient = np.zeros_like(grey)
    gradient[:, 1:] = cv2.absdiff(grey[:, 1:], grey[:, :-1]) if grey.shape[1] > 1 else 0
    if grey.shape[0] > 1:
        gradient[1:] = np.maximum(gradient[1:], cv2.absdiff(grey[1:], grey[:-1]))
    min_side_px = max(
        CONFIG.work_copy.min_panel_side_px,
        CONFIG.work_copy.min_panel_side_original_px * scale,
        float(grey.size) ** 0.5 * CONFIG.work_copy.min_panel_side_share,
    )
    return WorkCopy(copy, scale, find_seams(copy), gradient, _textured(gradient), min_side_px)


def _textured(gradient: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return the table `WorkCopy.textured` of the gradient."""
    config = CONFIG.work_copy
    is_middling = cv2.inRange(gradient, (config.max_flat_levels + 1,), (config.max_texture_levels,))
    share = cv2.blur(is_middling, (config.texture_window_px, config.texture_window_px))
    textured = cv2.threshold(share, config.min_texture_share * 255, 1, cv2.THRESH_BINARY)[1]
    return np.asarray(cv2.integral(textured), np.int32)


def _brightened(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return very dark pixels brighter, so that steps in them count as they do in daylight."""
    config = CONFIG.work_copy
    # Counted: finding the quantile by order takes ten times as long.
    sampled = pixels[:: config.brightness_every_px, :: config.brightness_every_px]
    counts = np.bincount(sampled.ravel(), minlength=256)
    bright = float(np.searchsorted(np.cumsum(counts), config.bright_quantile * counts.sum()))
    gain = min(config.max_brightening_factor, config.min_bright_levels / max(bright, 1.0))
    return pixels if gain <= 1.0 else np.asarray(cv2.convertScaleAbs(pixels, alpha=gain), np.uint8)


def _shrunken(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    height, width = pixels.shape[:2]
    scale = (CONFIG.work_copy.max_area_px / (height * width)) ** 0.5
    if scale >= 1.0:
        return np.ascontiguousarray(pixels), 1.0
    # By a whole factor first, which is quick and exact; what is left is less than a half.
    factor = int(1 / scale)
    size = (max(1, width // factor), max(1, height // factor))
    coarse = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if factor > 1 else pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    copy = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(copy, np.uint8), scale
