"""Masks and conversions that every drawing is made with."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.training.subjects import subject_mask

Picture = NDArray[np.uint8]
Mask = NDArray[np.uint8]


def soft_mask(picture: Picture) -> NDArray[np.float32]:
    """Return (H, W) 0..1: the subject, its edge softened."""
    blurred = cv2.GaussianBlur(subject_mask(picture), (0, 0), 1.5)
    return np.asarray(blurred, dtype=np.float32) / np.float32(255)


def border_of(mask: Mask) -> Mask:
    """Return (H, W) a line of 255 along the mask's edge, 0 elsewhere."""
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, disc(3)), dtype=np.uint8)


def disc(size_px: int) -> Mask:
    """Return (size, size) a filled circle of 1 on 0, for OpenCV's morphology."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size_px, size_px))
    return np.asarray(disc, dtype=np.uint8)


def to_grey(picture: Picture) -> Picture:
    """Return (H, W) the picture's brightness."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def to_bytes(values: NDArray[np.floating]) -> Picture:
    """Return values of any shape rounded to 0..255."""
    rounded: Picture = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return rounded
