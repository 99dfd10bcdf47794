"""Pictures of each medium, made of nothing."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


@pytest.fixture
def photo_like() -> Picture:
    """(240, 320, 3) shades and grain: what no pen leaves."""
    rng = np.random.default_rng(3)
    coarse = rng.uniform(30, 220, (6, 8, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(rng.normal(0, 40, (240, 320)).astype(np.float32), (0, 0), 1.2)
    pixels = smooth + fine[..., None] + rng.normal(0, 4, smooth.shape)
    return np.asarray(np.clip(pixels, 0, 255), np.uint8)


@pytest.fixture
def line_drawing() -> Picture:
    """(240, 320, 3) thin black lines on white."""
    page = np.full((240, 320, 3), 255, np.uint8)
    for radius in (20, 45, 70, 95):
        cv2.circle(page, (160, 120), radius, (10, 10, 10), 2, cv2.LINE_AA)
    cv2.polylines(
        page, [np.array([[30, 200], [90, 40], [200, 210]])], True, (0, 0, 0), 2, cv2.LINE_AA
    )
    return page


@pytest.fixture
def flat_colours() -> Picture:
    """(240, 320, 3) shapes of one colour each with dark outlines, on white."""
    page = np.full((240, 320, 3), 255, np.uint8)
    for x, colour in ((80, (230, 60, 40)), (160, (250, 210, 40)), (240, (60, 120, 220))):
        cv2.circle(page, (x, 120), 60, colour, -1, cv2.LINE_AA)
        cv2.circle(page, (x, 120), 60, (20, 20, 20), 3, cv2.LINE_AA)
    return page
