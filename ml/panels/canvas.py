"""The canvas that pictures lie on: a page's or a collage's ground, of one colour or a gradient."""

from dataclasses import dataclass

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
_OPENED_PX = 3  # lines thinner than this are borders and rules, not content


@dataclass(frozen=True, slots=True)
class Content:
    """What lies on a region's canvas.

    Attributes:
        boxes: (N, 4) int32 x0, y0, x1, y1 of the connected parts, in pixels of the work copy.
        areas: (N,) int32 pixels of each part.
        mask: (H, W) uint8 of the region, 1 where there is no canvas.
    """

    boxes: NDArray[np.int32]
    areas: NDArray[np.int32]
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
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    found = stats[1:count].astype(np.int32)
    x0, y0 = found[:, 0] + region.x0, found[:, 1] + region.y0
    boxes = np.stack([x0, y0, x0 + found[:, 2], y0 + found[:, 3]], axis=1)
    return Content(boxes, found[:, 4], mask)


def _fit_plane(part: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float] | None:
    """Return (3, 3) float32 coefficients, rows of 1, x and y, and the tolerance; or None."""
    places, colours = _rim(part)
    rng = np.random.default_rng(_SEED)
    chosen = rng.integers(len(places), size=(_TRIALS, 3))
    flat = np.zeros((_TRIALS, 3, 3), np.float32)
    flat[:, 0] = colours[chosen[:, 0]]
    is_solvable = np.abs(np.linalg.det(places[chosen])) > _LEAST_DETERMINANT
    steep = np.linalg.solve(places[chosen[is_solvable]], colours[chosen[is_solvable]])
    best, share = _best(flat, places, colours)
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
        best[0] = np.median(colours[inside], axis=0)
    apart = _distance(best[None], places[inside], colours[inside])[:, 0]
    spread = float(np.quantile(apart, 0.9))
    return best, float(np.clip(_SPREADS * spread, _LEAST_TOLERANCE, _MOST_TOLERANCE))


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
    # A channel at a time: numpy is slow at maxima over an axis of three.
    red, green, blue = (
        np.abs(places @ planes[:, :, channel].T - colours[:, channel, None]) for channel in range(3)
    )
    found: NDArray[np.float32] = np.maximum(np.maximum(red, green), blue)
    return found


def _off_plane(
    part: NDArray[np.uint8], plane: NDArray[np.float32], tolerance: float
) -> NDArray[np.uint8]:
    height, width = part.shape[:2]
    if not plane[1:].any():
        low, high = np.floor(plane[0] - tolerance), np.ceil(plane[0] + tolerance)
        canvas = cv2.inRange(part, (*low.tolist(), 0), (*high.tolist(), 0))
        return np.asarray(cv2.threshold(canvas, 0, 1, cv2.THRESH_BINARY_INV)[1], np.uint8)
    x = (np.arange(width, dtype=np.float32) / width)[None, :, None] * plane[1]
    y = (np.arange(height, dtype=np.float32) / height)[:, None, None] * plane[2]
    expected = np.clip(x + y + plane[0], 0, 255).astype(np.uint8)
    apart = cv2.absdiff(part, expected)
    red, green, blue = cv2.split(apart)
    most = cv2.max(cv2.max(red, green), blue)
    return np.asarray(cv2.threshold(most, tolerance, 1, cv2.THRESH_BINARY)[1], np.uint8)


def _without_holes(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mask with canvas-coloured spots that no canvas leads to counted as content."""
    height, width = mask.shape
    walled = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    outside = 2
    cv2.floodFill(walled, None, (0, 0), outside)
    filled = cv2.threshold(walled, outside - 1, 1, cv2.THRESH_BINARY_INV)[1]
    return np.ascontiguousarray(filled[1 : height + 1, 1 : width + 1], np.uint8)
