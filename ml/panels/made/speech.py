"""Speech bubbles and captions of made comics; some reach over their panel's side."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.made.collages import WORDS
from ml.types import Box

_LETTER_HEIGHT_PX = 21.0  # of OpenCV's font at scale 1


def draw_speech(pixels: NDArray[np.uint8], panel: Box, rng: np.random.Generator) -> None:
    """Draw a bubble or a caption on a panel, by chance across one of its sides.

    Args:
        pixels: (H, W, 3) uint8 RGB; drawn on.
        panel: the panel's box.
        rng: decides the rest.
    """
    side = min(panel.width, panel.height)
    size = (int(side * rng.uniform(0.22, 0.38)), int(side * rng.uniform(0.12, 0.22)))
    x = int(rng.uniform(panel.x0 + size[0], max(panel.x0 + size[0] + 1, panel.x1 - size[0])))
    y = int(rng.uniform(panel.y0 + size[1], max(panel.y0 + size[1] + 1, panel.y1 - size[1])))
    if rng.random() < 0.35:  # across a side
        x, y = (int(rng.choice((panel.x0, panel.x1))), y) if rng.random() < 0.5 else (x, panel.y1)
    if rng.random() < 0.25:
        low, high = (x - size[0], y - size[1]), (x + size[0], y + size[1])
        cv2.rectangle(pixels, low, high, (250, 244, 200), -1)
        cv2.rectangle(pixels, low, high, (20, 20, 20), 2)
    else:
        cv2.ellipse(pixels, (x, y), size, 0, 0, 360, (255, 255, 255), -1, cv2.LINE_AA)
        cv2.ellipse(pixels, (x, y), size, 0, 0, 360, (20, 20, 20), 2, cv2.LINE_AA)
    scale = max(0.3, size[1] / 70)
    for line in (-0.45, 0.05, 0.55):
        text = " ".join(rng.choice(WORDS, 2)).upper()
        width = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)[0][0]
        start = (x - width // 2, int(y + line * size[1] + _LETTER_HEIGHT_PX * scale / 3))
        cv2.putText(
            pixels, text, start, cv2.FONT_HERSHEY_SIMPLEX, scale, (20, 20, 20), 1, cv2.LINE_AA
        )
