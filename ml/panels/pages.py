"""Whether a sheet is a page: flat ground with lines of text on it."""

from collections.abc import Sequence

import cv2
import numpy as np
from cv2.typing import MatLike

from ml.panels.sheet import Sheet
from ml.types import Box

_SHARP = 40  # grey levels between neighbours: strokes of letters have more, also grey ones
_FLAT = 3  # less is ground
# A letter or a word on the work copy, which shows text of 12 to 40 px at half to full size.
_GLYPH_HEIGHT_PX, _GLYPH_WIDTH_PX = (4, 36), (2, 160)
# In a line of text are those beside two more of about their height (by a factor), which stand on
# one line with them (to a share of the height), so many heights away at most.
_MOST_TALLER, _MOST_OFF, _MOST_APART, _LEAST_BESIDE = 2.0, 1 / 6, 2.0, 2
_BESIDE_PX = 4  # of a panel: its own edge, no text
_LEAST_GLYPHS = 16  # in lines: more than most captions of a collage have, less than two lines
_BAND_PX = 160
_MOST_OUTLINES = 5000  # without lines among them: a pattern
_MOST_GLYPHS = 400  # of a band that are compared with each other
_LEAST_GROUND = 0.6  # of what is not panel


def is_page(sheet: Sheet, panels: Sequence[Box]) -> bool:
    """Return whether what lies around the panels is ground with text.

    Args:
        sheet: the picture.
        panels: boxes in pixels of the work copy, which are not looked at.
    """
    outside = np.ones(sheet.gradient.shape, np.uint8)
    for box in panels:
        top, left = max(0, box.y0 - _BESIDE_PX), max(0, box.x0 - _BESIDE_PX)
        outside[top : box.y1 + _BESIDE_PX, left : box.x1 + _BESIDE_PX] = 0
    area = cv2.countNonZero(outside)
    ground = cv2.countNonZero(np.asarray(sheet.gradient <= _FLAT, np.uint8) & outside)
    if area == 0 or ground < _LEAST_GROUND * area:
        return False
    strokes = np.asarray(sheet.gradient > _SHARP, np.uint8) & outside
    glyphs = looked_at = 0
    # In bands, so that a page of text is known by its first lines.
    for top in range(0, len(strokes), _BAND_PX):
        outlines, nesting = cv2.findContours(
            strokes[top : top + _BAND_PX], cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE
        )
        if nesting is None:
            continue
        is_outer = nesting[0, :, 3] < 0  # the others are the holes of letters
        glyphs += _in_lines([outlines[int(place)] for place in np.flatnonzero(is_outer)])
        looked_at += len(outlines)
        if glyphs >= _LEAST_GLYPHS or looked_at > _MOST_OUTLINES:
            break
    return glyphs >= _LEAST_GLYPHS


def _in_lines(outlines: Sequence[MatLike]) -> int:
    """Return how many outlines are glyphs in lines of text."""
    boxes = np.array([cv2.boundingRect(outline) for outline in outlines], np.int32)
    x, y, width, height = boxes.T
    is_glyph = (height >= _GLYPH_HEIGHT_PX[0]) & (height <= _GLYPH_HEIGHT_PX[1])
    is_glyph &= (width >= _GLYPH_WIDTH_PX[0]) & (width <= _GLYPH_WIDTH_PX[1])
    x, y, width, height = boxes[is_glyph][:_MOST_GLYPHS].T
    low, end = y + height, x + width
    taller = np.maximum(height[:, None], height)
    is_beside = taller <= _MOST_TALLER * np.minimum(height[:, None], height)
    off = np.maximum(1.0, _MOST_OFF * height[:, None])
    is_beside &= np.abs(low[:, None] - low) <= off
    gap = np.maximum(x[:, None] - end, x - end[:, None])
    is_beside &= gap <= _MOST_APART * height[:, None]
    np.fill_diagonal(is_beside, val=False)
    return int(np.count_nonzero(is_beside.sum(axis=1) >= _LEAST_BESIDE))
