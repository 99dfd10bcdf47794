"""Whether a work copy is a page: flat ground with lines of text on it."""

from collections.abc import Sequence

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from ml.panels.config import CONFIG
from ml.panels.measurement.work_copy import WorkCopy
from ml.types import Box


def is_page(work_copy: WorkCopy, panels: Sequence[Box]) -> bool:
    """Return whether what lies around the panels is ground with text.

    Args:
        work_copy: the picture.
        panels: boxes in pixels of the work copy, which are not looked at.
    """
    outside = _outside(work_copy, panels)
    return _is_mostly_ground(work_copy, outside) and _has_text(work_copy, outside)


def _outside(work_copy: WorkCopy, panels: Sequence[Box]) -> NDArray[np.uint8]:
    """Return (H, W) uint8, 1 where there is no panel."""
    outside = np.ones(work_copy.gradient.shape, np.uint8)
    around = CONFIG.page.panel_surroundings_px
    for box in panels:
        top, left = max(0, box.y0 - around), max(0, box.x0 - around)
        outside[top : box.y1 + around, left : box.x1 + around] = 0
    return outside


def _is_mostly_ground(work_copy: WorkCopy, outside: NDArray[np.uint8]) -> bool:
    area = cv2.countNonZero(outside)
    is_flat = np.asarray(work_copy.gradient <= CONFIG.work_copy.max_ground_levels, np.uint8)
    ground = cv2.countNonZero(is_flat & outside)
    return area > 0 and ground >= CONFIG.page.min_ground_share * area


def _has_text(work_copy: WorkCopy, outside: NDArray[np.uint8]) -> bool:
    """Return whether there are lines of text, read in bands: the first lines often suffice."""
    config = CONFIG.page
    is_stroke = np.asarray(work_copy.gradient > CONFIG.work_copy.strokes_above_levels, np.uint8)
    strokes = is_stroke & outside
    glyphs = looked_at = 0
    for top in range(0, len(strokes), config.band_px):
        outlines, nesting = cv2.findContours(
            strokes[top : top + config.band_px], cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE
        )
        if nesting is None:
            continue
        is_outer = nesting[0, :, 3] < 0  # the others are the holes of letters
        glyphs += _glyphs_in_lines([outlines[int(index)] for index in np.flatnonzero(is_outer)])
        looked_at += len(outlines)
        if glyphs >= config.min_glyphs or looked_at > config.max_outlines:
            break
    return glyphs >= config.min_glyphs


def _glyphs_in_lines(outlines: Sequence[MatLike]) -> int:
    """Return how many outlines are glyphs in lines of text."""
    config = CONFIG.page
    boxes = np.array([cv2.boundingRect(outline) for outline in outlines], np.int32)
    x, y, width, height = boxes.T
    is_glyph = (height >= config.min_glyph_height_px) & (height <= config.max_glyph_height_px)
    is_glyph &= (width >= config.min_glyph_width_px) & (width <= config.max_glyph_width_px)
    x, y, width, height = boxes[is_glyph][: config.max_glyphs_compared].T
    low, end = y + height, x + width
    taller = np.maximum(height[:, None], height)
    is_as_tall = taller <= config.max_height_factor * np.minimum(height[:, None], height)
    max_offset = np.maximum(1.0, config.max_baseline_share * height[:, None])
    is_on_line = np.abs(low[:, None] - low) <= max_offset
    gap = np.maximum(x[:, None] - end, x - end[:, None])
    is_neighbour = is_as_tall & is_on_line & (gap <= config.max_gap_heights * height[:, None])
    np.fill_diagonal(is_neighbour, val=False)
    return int(np.count_nonzero(is_neighbour.sum(axis=1) >= config.min_neighbours))
