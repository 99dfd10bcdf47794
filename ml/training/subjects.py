"""Where the subject of an unlabelled photo probably is, without any model."""

import cv2
import numpy as np
from numpy.typing import NDArray

_SMALL_PX = 64
_ROUNDS = 2
_HALF = 127
# From each side: where the subject may begin, and where its middle does, which is given as such.
_INNER_PX, _CORE_PX = _SMALL_PX // 8, _SMALL_PX * 3 // 8
# A mask beyond these shares of the picture is a failure: all of it is subject then. The least is
# the middle that was given: with no more than that, nothing was found.
_MIN_SUBJECT_SHARE, _MAX_SUBJECT_SHARE = (1 - 2 * _CORE_PX / _SMALL_PX) ** 2, 0.85


def subject_mask(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a guess at the subject's pixels.

    GrabCut on a 64 px copy: the picture's rim starts as background, its middle as subject, and
    colours decide between them. Where that finds nothing or nearly everything, the whole
    picture is the subject. Source: Rother, Kolmogorov, Blake, "GrabCut", SIGGRAPH 2004.

    Args:
        picture: (H, W, 3) uint8 RGB, sides of at least 16 px; not changed.

    Returns:
        (H, W) uint8, 255 on the subject, 0 elsewhere.
    """
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (_SMALL_PX, _SMALL_PX), interpolation=cv2.INTER_AREA)
    guess = np.full((_SMALL_PX, _SMALL_PX), cv2.GC_PR_BGD, np.uint8)
    guess[_INNER_PX:-_INNER_PX, _INNER_PX:-_INNER_PX] = cv2.GC_PR_FGD
    guess[_CORE_PX:-_CORE_PX, _CORE_PX:-_CORE_PX] = cv2.GC_FGD
    rim = 2
    guess[:rim], guess[-rim:], guess[:, :rim], guess[:, -rim:] = (cv2.GC_BGD,) * 4
    models = np.zeros((2, 1, 65), np.float64)
    cv2.setRNGSeed(0)  # its clustering starts from OpenCV's global generator
    cv2.grabCut(small, guess, (0, 0, 1, 1), models[0], models[1], _ROUNDS, cv2.GC_INIT_WITH_MASK)
    found = np.where((guess == cv2.GC_FGD) | (guess == cv2.GC_PR_FGD), 255, 0).astype(np.uint8)
    mask = cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    if not _MIN_SUBJECT_SHARE < (mask > 0).mean() <= _MAX_SUBJECT_SHARE:
        return np.full((height, width), 255, np.uint8)
    grown = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(grown > _HALF, 255, 0).astype(np.uint8)
