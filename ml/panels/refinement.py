"""Boxes found on the work copy, brought to the pixel on the original."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.config import CONFIG
from ml.types import Box


def refine(pixels: NDArray[np.uint8], box: Box, scale: tuple[float, float]) -> Box:
    """Return a work copy's box in pixels of the original, each side on the sharpest edge near it.

    Args:
        pixels: (H, W, 3) uint8 RGB, the original.
        box: in pixels of the work copy, inside it, not empty.
        scale: pixels of the work copy per pixel of the original, across and down, each 0..1.
    """
    height, width = pixels.shape[:2]
    x0, x1 = (_mapped(x, scale[0], width) for x in (box.x0, box.x1))
    y0, y1 = (_mapped(y, scale[1], height) for y in (box.y0, box.y1))
    if scale == (1.0, 1.0):
        return Box(x0, y0, x1, y1)
    rows, columns = pixels[y0:y1], pixels[:, x0:x1].transpose(1, 0, 2)
    left, right = (_sharpest(rows, x, scale[0]) for x in (x0, x1))
    top, bottom = (_sharpest(columns, y, scale[1]) for y in (y0, y1))
    if left >= right or top >= bottom:
        return Box(x0, y0, x1, y1)
    return Box(left, top, right, bottom)


def separate(boxes: Sequence[Box]) -> list[Box]:
    """Return boxes whose sides, moved each alone, no longer overlap: they meet in the middle.

    Args:
        boxes: which overlap by less than half of a side, if at all.
    """
    ends = np.array([(box.x0, box.y0, box.x1, box.y1) for box in boxes], np.int64).reshape(-1, 4)
    shared = np.minimum(ends[:, None, 2:], ends[:, 2:]) - np.maximum(ends[:, None, :2], ends[:, :2])
    for one, other in np.argwhere(np.triu((shared > 0).all(axis=2), k=1)):
        low, high = (
            np.maximum(ends[one, :2], ends[other, :2]),
            np.minimum(ends[one, 2:], ends[other, 2:]),
        )
        if (low < high).all():  # still, after others were moved
            axis = int((high - low).argmin())
            first, second = (one, other) if ends[one, axis] <= ends[other, axis] else (other, one)
            ends[first, axis + 2] = ends[second, axis] = (low[axis] + high[axis]) // 2
    return [Box(*(int(end) for end in row)) for row in ends]


def _mapped(position: int, scale: float, length: int) -> int:
    return min(length, max(0, round(position / scale)))


def _sharpest(lines: NDArray[np.uint8], side: int, scale: float) -> int:
    """Return where, near a side, the (N, M, 3) lines step most; the side itself on the rim."""
    config = CONFIG.refinement
    length = lines.shape[1]
    reach = math.ceil(config.reach_px / scale)
    first, last = max(0, side - reach - 1), min(length, side + reach + 1)
    if side in (0, length) or last - first < config.min_lines:
        return side
    block = config.block_original_px
    blocks = min(config.max_blocks, max(1, len(lines) // block))
    strip = np.ascontiguousarray(lines[:: max(1, len(lines) // (blocks * block)), first:last])
    shrunk = cv2.resize(strip, (last - first, blocks), interpolation=cv2.INTER_AREA)
    steps = np.abs(np.diff(shrunk.astype(np.int16), axis=1)).max(axis=2).mean(axis=0)
    return first + 1 + int(steps.argmax())
