"""A splitting as a person sees it: the picture with its panels outlined."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.config import CONFIG
from ml.panels.splitter import Splitting


def draw_overlay(pixels: NDArray[np.uint8], splitting: Splitting) -> NDArray[np.uint8]:
    """Return a copy of a picture with panels outlined, numbered and their confidence written.

    Args:
        pixels: (H, W, 3) uint8 RGB; not changed.
        splitting: of this picture.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    config = CONFIG.overlay
    drawn = np.ascontiguousarray(pixels.copy())
    line = max(1, max(pixels.shape[:2]) // config.side_per_line_original_px)
    for number, panel in enumerate(splitting.panels, start=1):
        box = panel.box
        if panel.outline is None:
            low, high = (box.x0, box.y0), (box.x1 - 1, box.y1 - 1)
            cv2.rectangle(drawn, low, high, config.colour_rgb, line)
        else:
            corners = np.rint(np.array(panel.outline.corners)).astype(np.int32)
            cv2.polylines(drawn, [corners], True, config.colour_rgb, line)  # noqa: FBT003 - closed
        start = (box.x0 + config.text_left_lines * line, box.y0 + config.text_top_lines * line)
        text = f"{number}: {panel.confidence:.2f}"
        font, size = cv2.FONT_HERSHEY_SIMPLEX, config.text_factor * line
        for colour, width in (
            (config.shadow_rgb, config.shadow_factor * line),
            (config.colour_rgb, line),
        ):
            cv2.putText(drawn, text, start, font, size, colour, width)
    return drawn
