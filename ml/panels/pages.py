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
_BAND_PX = 160
_MOST_OUTLINES = 5000  # that are no glyphs: a pattern
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
        glyphs += sum(_is_glyph(outlines[int(place)]) for place in np.flatnonzero(is_outer))
        looked_at += len(outlines)
        if glyphs >= _LEAST_GLYPHS or looked_at > _MOST_OUTLINES:
            break
    return glyphs >= _LEAST_GLYPHS


def _is_glyph(outline: cv2.typing.MatLike) -> bool:
    _, _, width, height = cv2.boundingRect(outline)
    return (
        _GLYPH_WIDTH_PX[0] <= width <= _GLYPH_WIDTH_PX[1]
        and _GLYPH_HEIGHT_PX[0] <= height <= _GLYPH_HEIGHT_PX[1]
    )
