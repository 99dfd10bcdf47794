"""Straight upright and level edges: where one photo ends and another one, or the canvas, begins.

An edge of a photo in a collage is one pixel sharp, exactly axis-aligned and goes on for the whole
side, which edges of things in a photo seldom are. So the picture is averaged along the edge's
direction, which wears slanted and broken edges down and leaves true ones, and a step then counts
where it stands out from the steps beside it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.panels.config import CONFIG
from ml.types import Box


@dataclass(frozen=True, slots=True)
class Seams:
    """Steps of a picture of H × W pixels, summed so that any box's lines are read at once.

    Attributes:
        upright: (H + 1, W + 2) int32 summed-area table of 0 and 1: whether, between columns x - 1
            and x of a row, or one pixel to and fro, lies an edge that stands out.
        level: (W + 1, H + 2) int32; the same of the transposed picture.
        upright_step: (H + 1, W + 2) int32; the table of the steps themselves, 0..255 each.
        level_step: (W + 1, H + 2) int32; the same of the transposed picture.
    """

    upright: NDArray[np.int32]
    level: NDArray[np.int32]
    upright_step: NDArray[np.int32]
    level_step: NDArray[np.int32]

    def columns(self, box: Box) -> NDArray[np.float32]:
        """Return (width + 1,) float32: the share of the box's rows with an edge at x0, …, x1."""
        return _profile(self.upright, box.y0, box.y1, box.x0, box.x1)

    def rows(self, box: Box) -> NDArray[np.float32]:
        """Return (height + 1,) float32: the share of its columns with an edge at y0, …, y1."""
        return _profile(self.level, box.x0, box.x1, box.y0, box.y1)

    def column_steps(self, box: Box) -> NDArray[np.float32]:
        """Return (width + 1,) float32, 0..255: the mean step at x0, …, x1."""
        return _profile(self.upright_step, box.y0, box.y1, box.x0, box.x1)

    def row_steps(self, box: Box) -> NDArray[np.float32]:
        """Return (height + 1,) float32, 0..255: the mean step at y0, …, y1."""
        return _profile(self.level_step, box.x0, box.x1, box.y0, box.y1)

    def segments(
        self, box: Box, ends: NDArray[np.intp], *, is_upright: bool
    ) -> NDArray[np.float32]:
        """Return (N, width + 1) float32: what `columns` does, for N parts of the box's rows.

        Args:
            box: inside the picture.
            ends: (N + 1,) ascending, 0..height: where the parts start and stop.
            is_upright: whether columns are asked for; else rows, for parts of its columns.
        """
        if is_upright:
            table, start, first, last = self.upright, box.y0, box.x0, box.x1
        else:
            table, start, first, last = self.level, box.x0, box.y0, box.y1
        lines = np.diff(table[start + ends, first : last + 2], axis=0)
        lengths = np.maximum(1, np.diff(ends)).astype(np.float32)
        return (np.diff(lines, axis=1) / lengths[:, None]).astype(np.float32)


def find_seams(pixels: NDArray[np.uint8]) -> Seams:
    """Return the steps of a picture, (H, W, 3) uint8, H and W ≥ 1."""
    upright, upright_step = _steps(pixels)
    level, level_step = _steps(np.asarray(cv2.transpose(pixels), np.uint8))
    return Seams(upright, level, upright_step, level_step)


def _steps(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    height, width = pixels.shape[:2]
    config = CONFIG.seams
    averaged = cv2.blur(pixels, (1, config.averaged_along_px), borderType=cv2.BORDER_REPLICATE)
    step = np.zeros((height, width + 1), np.uint8)
    if width > 1:
        red, green, blue = cv2.split(cv2.absdiff(averaged[:, 1:], averaged[:, :-1]))
        step[:, 1:-1] = cv2.max(cv2.max(red, green), blue)
    surroundings = cv2.blur(step, (2 * config.surroundings_px + 1, 1))
    highest = cv2.dilate(step, np.ones((1, config.joined_px), np.uint8))
    contrast = cv2.convertScaleAbs(surroundings, alpha=config.min_contrast_factor)
    needed = np.maximum(contrast, config.min_step_levels)
    stands_out = cv2.threshold(cv2.subtract(highest, needed), 0, 1, cv2.THRESH_BINARY)[1]
    return _summed(stands_out), _summed(step)


def _summed(values: ArrayLike) -> NDArray[np.int32]:
    return np.asarray(cv2.integral(np.asarray(values, np.uint8)), np.int32)


def _profile(
    table: NDArray[np.int32], start: int, stop: int, first: int, last: int
) -> NDArray[np.float32]:
    lines = table[stop, first : last + 2] - table[start, first : last + 2]
    return (lines[1:] - lines[:-1]) * np.float32(1 / max(1, stop - start))
