"""The canvas that pictures lie on: a page's or a collage's ground, of one colour or a gradient."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.types import Box

# How much of a region's rim has to be canvas for the region to have one.
LEAST_RIM = 0.35
_LEAST_SLOPED_RIM = 0.5  # a gradient fits more by chance than a colour does
_RIM_SAMPLES = 160
_TRIALS = 48  # of three rim pixels each: at 45 % canvas one of them is all canvas in 99 % of cases
_SEED = 0
_LEAST_DETERMINANT = 1e-2  # of three places: less is nearly a line, which holds up no plane
_ROUGH_TOLERANCE = 14.0  # grey levels: pixels that may belong to the plane, before it is fitted
# Grey levels from the fitted plane that are still canvas: never less than JPEG noise, never so
# much that a dark photo is black canvas.
_LEAST_TOLERANCE, _MOST_TOLERANCE = 6.0, 22.0
_SPREADS = 2.5  # times the 90th percentile of the rim's own distances, for textured canvases
_STEEPER_GAIN = 1.05  # a gradient must explain so much more of the rim than a flat colour does
_FRACTIONS, _PLANE_RANGE = 32, (-500.0, 500.0)  # of a grey level; their sums are int16
_OPENED_PX = 3  # lines thinner than this are borders and rules, not content


@dataclass(frozen=True, slots=True)
class Content:
    """What lies on a region's canvas.

    Attributes:
        boxes: (N, 4) int32 x0, y0, x1, y1 of the connected parts, in pixels of the work copy.
        mask: (H, W) uint8 of the region, 1 where there is no canvas.
    """

    boxes: NDArray[np.int32]
    mask: NDArray[np.uint8]


def find_content(pixels: NDArray[np.uint8], region: Box) -> Content | None:
    """Return what lies on the canvas of a region, or None where its rim shows no canvas.

    The canvas is the plane (of colour over x and y) that most pixels of the rim lie in, found by
    RANSAC (Fischler and Bolles, CACM 1981). Only what is joined to the rim counts as canvas.

    Args:
        pixels: (H, W, 3) uint8.
        region: at least 3 px wide and high.
    """
    part = pixels[region.y0 : region.y1, region.x0 : region.x1]
    fitted = _fit_plane(part)
    if fitted is None:
        return None
    plane, tolerance = fitted
    mask = _off_plane(part, plane, tolerance)
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((_OPENED_PX, _OPENED_PX), np.uint8))
    mask = _without_holes(np.asarray(opened, np.uint8))
    # Outlines are found ten times as fast as connected components are labelled.
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = np.array([cv2.boundingRect(each) for each in outlines], np.int32).reshape(-1, 4)
    start = found[:, :2] + np.array([region.x0, region.y0], np.int32)
    return Content(np.concatenate([start, start + found[:, 2:]], axis=1), mask)


def _fit_plane(part: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float] | None:
    """Return (3, 3) float32 coefficients, rows of 1, x and y, and the tolerance; or None."""
    places, colours = _rim(part)
    chosen = _drawn(len(places))
    flat = np.zeros((_TRIALS, 3, 3), np.float32)
    flat[:, 0] = colours[chosen[:, 0]]
    best, share = _best(flat, places, colours)
    if share * _STEEPER_GAIN < 1.0:
        is_solvable = np.abs(np.linalg.det(places[chosen])) > _LEAST_DETERMINANT
        steep = np.linalg.solve(places[chosen[is_solvable]], colours[chosen[is_solvable]])
        sloped, sloped_share = _best(steep.astype(np.float32), places, colours)
        if sloped_share > max(share * _STEEPER_GAIN, _LEAST_SLOPED_RIM):
            best, share = sloped, sloped_share
    if share < LEAST_RIM:
        return None
    apart = _distance(best[None], places, colours)[:, 0]
    inside = apart <= _ROUGH_TOLERANCE
    if best[1:].any():
        best = np.linalg.lstsq(places[inside], colours[inside], rcond=None)[0].astype(np.float32)
    else:
        # Sorted: a tenth of what np.median takes for so few.
        best[0] = np.sort(colours[inside], axis=0)[np.count_nonzero(inside) // 2]
    apart = _distance(best[None], places[inside], colours[inside])[:, 0]
    spread = float(np.sort(apart)[int(0.9 * (len(apart) - 1))])
    return best, min(max(_SPREADS * spread, _LEAST_TOLERANCE), _MOST_TOLERANCE)


@cache
def _drawn(count: int) -> NDArray[np.int64]:
    """Return (trials, 3) places below a count, the same each time."""
    return np.random.default_rng(_SEED).integers(count, size=(_TRIALS, 3))


def _rim(part: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (N, 3) places 1, x, y, both 0..1, and (N, 3) colours along the rim, one pixel in."""
    height, width = part.shape[:2]
    across = np.arange(width)
    down = np.arange(height)
    x = np.concatenate([across, across, np.full(height, 1), np.full(height, width - 2)])
    y = np.concatenate([np.full(width, 1), np.full(width, height - 2), down, down])
    step = max(1, len(x) // _RIM_SAMPLES)
    x, y = x[::step], y[::step]
    places = np.stack([np.ones(len(x)), x / width, y / height], axis=1).astype(np.float32)
    return places, part[y, x].astype(np.float32)


def _best(
    planes: NDArray[np.float32], places: NDArray[np.float32], colours: NDArray[np.float32]
) -> tuple[NDArray[np.float32], float]:
    if not len(planes):
        return np.zeros((3, 3), np.float32), 0.0
    shares = (_distance(planes, places, colours) <= _ROUGH_TOLERANCE).mean(axis=0)
    place = int(shares.argmax())
    return planes[place].copy(), float(shares[place])


def _distance(
    planes: NDArray[np.float32], places: NDArray[np.float32], colours: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return (N, K) distances of N colours from K planes, the largest of the three channels."""
    # Channels first: numpy is slow at maxima over an axis of three at the end.
    apart = places @ planes.transpose(2, 1, 0)
    apart -= colours.T[:, :, None]
    found: NDArray[np.float32] = np.abs(apart, out=apart).max(axis=0)
    return found


def _off_plane(
    part: NDArray[np.uint8], plane: NDArray[np.float32], tolerance: float
) -> NDArray[np.uint8]:
    height, width = part.shape[:2]
    if not plane[1:].any():
        low, high = np.floor(plane[0] - tolerance), np.ceil(plane[0] + tolerance)
        canvas = cv2.inRange(part, (*low.tolist(), 0), (*high.tolist(), 0))
        return np.asarray(cv2.threshold(canvas, 0, 1, cv2.THRESH_BINARY_INV)[1], np.uint8)
    across = np.outer(plane[1], np.arange(width) / width)
    down = np.outer(plane[2], np.arange(height) / height) + plane[0][:, None]
    # Whole numbers of fractions of a grey level: several times as fast as floats.
    across, down = (np.clip(each, *_PLANE_RANGE) * _FRACTIONS for each in (across, down))
    most = np.zeros((height, width), np.uint8)
    for channel, levels in enumerate(cv2.split(part)):
        expected = np.add.outer(down[channel].astype(np.int16), across[channel].astype(np.int16))
        expected = (np.clip(expected, 0, 255 * _FRACTIONS) // _FRACTIONS).astype(np.uint8)
        most = np.maximum(most, cv2.absdiff(levels, expected))
    return np.asarray(cv2.threshold(most, tolerance, 1, cv2.THRESH_BINARY)[1], np.uint8)


def _without_holes(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mask with canvas-coloured spots that no canvas leads to counted as content."""
    height, width = mask.shape
    walled = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    outside = 2
    cv2.floodFill(walled, None, (0, 0), outside)
    filled = cv2.threshold(walled, outside - 1, 1, cv2.THRESH_BINARY_INV)[1]
    return np.ascontiguousarray(filled[1 : height + 1, 1 : width + 1], np.uint8)
