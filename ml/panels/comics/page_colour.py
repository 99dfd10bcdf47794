"""The colour of a comic's paper between its panels, and the slopes of what borders on it."""

import math
from collections.abc import Iterator

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from ml.panels.comics.gutters import Slope
from ml.panels.config import CONFIG


def colour_masks(
    pixels: NDArray[np.uint8], gradient: NDArray[np.uint8]
) -> Iterator[NDArray[np.uint8]]:
    """Yield where a picture has the colours that may be its paper's: the commonest of flat areas.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        gradient: (H, W) uint8, see `WorkCopy`.

    Yields:
        (H // 2, W // 2) uint8, 1 where nearly all of four pixels have the colour, else 0: thin
            frames stay.
    """
    config = CONFIG.comics
    every = config.colour_every_px
    sampled = np.ascontiguousarray(pixels[::every, ::every])
    is_flat = cv2.inRange(gradient[::every, ::every], (0,), (config.max_flat_levels,))
    taken: list[NDArray[np.float64]] = []
    for colour in _common_colours(sampled, np.asarray(is_flat, np.uint8)):
        if any(np.abs(colour - other).max() < config.same_levels for other in taken):
            continue
        taken.append(colour)
        low, high = colour - config.max_off_levels, colour + config.max_off_levels
        yield _halved(cv2.inRange(pixels, tuple(low), tuple(high)))
        if len(taken) == config.max_colours:
            return


def _halved(mask: MatLike) -> NDArray[np.uint8]:
    height, width = (max(1, side // 2) for side in mask.shape)
    share = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    least = CONFIG.comics.min_cell_share * 255
    return np.asarray(cv2.threshold(share, least, 1, cv2.THRESH_BINARY)[1], np.uint8)


def _common_colours(
    pixels: NDArray[np.uint8], is_flat: NDArray[np.uint8]
) -> Iterator[NDArray[np.float64]]:
    """Yield colours, (3,) levels each, of which much of a picture is flat; the commonest first."""
    config = CONFIG.comics
    bins = [config.colour_bins] * 3
    counts = cv2.calcHist([pixels], [0, 1, 2], is_flat, bins, [0, 256] * 3)
    width = 256 // config.colour_bins
    for index in np.argsort(-counts.ravel())[: config.max_bins].tolist():
        if counts.flat[index] < config.min_colour_share * is_flat.size:
            return
        low = np.array(np.unravel_index(index, counts.shape)) * width
        in_bin = cv2.inRange(pixels, tuple(low.tolist()), tuple((low + width - 1).tolist()))
        yield np.array(cv2.mean(pixels, cv2.bitwise_and(in_bin, is_flat))[:3], np.float64)


def first_slopes_of(is_colour: NDArray[np.uint8]) -> tuple[Slope, ...]:
    """Return the slopes that a page's first gutter may have, which goes from side to side."""
    height, width = is_colour.shape
    # Half as many rows and columns take a quarter of the time, and show lines as long as well.
    border = cv2.dilate(_border(is_colour), np.ones((2, 2), np.uint8))[: height & -2, : width & -2]
    coarse = np.ascontiguousarray(border[::2, ::2], np.uint8)
    return _slopes(coarse, CONFIG.comics.min_first_line_share)


def slopes_of(is_colour: NDArray[np.uint8]) -> tuple[Slope, ...]:
    """Return the slopes of long straight borders of a colour, and upright and level.

    Args:
        is_colour: (H, W) uint8, 1 where the colour is, else 0.
    """
    return _slopes(_border(is_colour), CONFIG.comics.min_line_share)


def _border(is_colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    kernel = np.ones((2, 2), np.uint8)
    return np.asarray(cv2.morphologyEx(is_colour, cv2.MORPH_GRADIENT, kernel), np.uint8)


def _slopes(border: NDArray[np.uint8], min_line_share: float) -> tuple[Slope, ...]:
    least = round(min_line_share * min(border.shape))
    slopes = []
    for is_upright in (True, False):
        slopes.append(Slope(is_upright, 0.0))
        edges = border if is_upright else cv2.transpose(border)
        for rise in _rises(np.asarray(edges, np.uint8), least):
            slopes.append(Slope(is_upright, rise))
    return tuple(slopes)


def _rises(edges: NDArray[np.uint8], least: int) -> list[float]:
    """Return the rises, other than 0, of the longest rather upright lines."""
    config = CONFIG.comics
    reach = math.radians(config.max_slant_deg)
    found: list[float] = []
    step = math.radians(config.slant_step_deg)
    for low, high in ((0.0, reach), (math.pi - reach, math.pi)):
        most = len(found) + config.max_rises
        lines = cv2.HoughLines(edges, 1, step, least, min_theta=low, max_theta=high)
        for theta in [] if lines is None else lines[:, 0, 1].tolist():
            # Its normal is (cos, sin): x = offset - tan · y.
            rise = -math.tan(theta)
            if all(abs(rise - other) > config.same_rise for other in (0.0, *found)):
                found.append(rise)
            if len(found) == most:
                break
    return found
