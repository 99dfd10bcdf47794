"""A splitting as a person sees it: the picture with its panels outlined."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.splitter import Splitting

_COLOUR, _SHADOW = (0, 190, 90), (0, 0, 0)
_SIDE_PER_LINE_PX = 300  # of the picture: a pixel of line each
_TEXT_SCALE = 0.45  # of OpenCV's font, a pixel of line each: 10 px high letters


def draw_overlay(pixels: NDArray[np.uint8], splitting: Splitting) -> NDArray[np.uint8]:
    """Return a copy of a picture with panels outlined, numbered and their confidence written.

    Args:
        pixels: (H, W, 3) uint8 RGB; not changed.
        splitting: of this picture.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    drawn = np.ascontiguousarray(pixels.copy())
    line = max(1, max(pixels.shape[:2]) // _SIDE_PER_LINE_PX)
    for number, panel in enumerate(splitting.panels, start=1):
        box = panel.box
        cv2.rectangle(drawn, (box.x0, box.y0), (box.x1 - 1, box.y1 - 1), _COLOUR, line)
        place = (box.x0 + 2 * line, box.y0 + 14 * line)
        text = f"{number}: {panel.confidence:.2f}"
        for colour, width in ((_SHADOW, 3 * line), (_COLOUR, line)):
            cv2.putText(
                drawn, text, place, cv2.FONT_HERSHEY_SIMPLEX, _TEXT_SCALE * line, colour, width
            )
    return drawn
