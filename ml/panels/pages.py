"""Whether a sheet is a page: flat ground with lines of text on it."""

from collections.abc import Sequence

import cv2
import numpy as np

from ml.panels.sheet import Sheet
from ml.types import Box

_SHARP = 40  # grey levels between neighbours: strokes of letters have more, also grey ones
_FLAT = 3  # less is ground
# A letter or a word on the work copy, which shows text of 12 to 40 px at half to full size.
_GLYPH_HEIGHT_PX, _GLYPH_WIDTH_PX = (4, 36), (2, 160)
_BESIDE_PX = 4  # of a panel: its own edge, no text
_LEAST_GLYPHS = 36  # more than the captions of a collage have, less than three lines of text
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
    count, _, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    widths, heights = stats[1:count, cv2.CC_STAT_WIDTH], stats[1:count, cv2.CC_STAT_HEIGHT]
    is_glyph = (heights >= _GLYPH_HEIGHT_PX[0]) & (heights <= _GLYPH_HEIGHT_PX[1])
    is_glyph &= (widths >= _GLYPH_WIDTH_PX[0]) & (widths <= _GLYPH_WIDTH_PX[1])
    return int(is_glyph.sum()) >= _LEAST_GLYPHS
