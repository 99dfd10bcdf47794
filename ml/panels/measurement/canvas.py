"""The canvas that pictures lie on: a page's or a collage's ground, of one colour or a gradient."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.config import CONFIG
from ml.types import Box, shared_area


@dataclass(frozen=True, slots=True)
class Content:
    """What lies on a region's canvas.

    Attributes:
        boxes: (N, 4) int32 x0, y0, x1, y1 of the connected parts, in pixels of the work copy.
        mask: (H, W) uint8 of the region, 1 where there is no canvas.
    """

    boxes: NDArray[np.int32]
    mask: NDArray[np.uint8]

    def joined_boxes(self, min_side_px: float) -> list[Box]:
        """Return the boxes that are large enough, those that overlap united, from the top."""
        sides = np.minimum(self.boxes[:, 2] - self.boxes[:, 0], self.boxes[:, 3] - self.boxes[:, 1])
        left = [Box(*map(int, row)) for row in self.boxes[sides >= min_side_px]]
        joined: list[Box] = []
        while left:
            box = left.pop()
            other = next((each for each in joined if shared_area(box, each)), None)
            if other is None:
                joined.append(box)
            else:
                joined.remove(other)
                left.append(_united(box, other))
        return sorted(joined, key=lambda box: (box.y0, box.x0))


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
    opening = np.ones((CONFIG.canvas.opened_px, CONFIG.canvas.opened_px), np.uint8)
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, opening)
    mask = _without_holes(np.asarray(opened, np.uint8))
    # Outlines are found ten times as fast as connected components are labelled.
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = np.array([cv2.boundingRect(each) for each in outlines], np.int32).reshape(-1, 4)
    start = found[:, :2] + np.array([region.x0, region.y0], np.int32)
    return Content(np.concatenate([start, start + found[:, 2:]], axis=1), mask)


def _united(one: Box, other: Box) -> Box:
    return Box(
        min(one.x0, other.x0),
        min(one.y0, other.y0),
        max(one.x1, other.x1),
        max(one.y1, other.y1),
    )


def _fit_plane(part: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float] | None:
    """Return (3, 3) float32 coefficients, rows of 1, x and y, and the tolerance; or None."""
    config = CONFIG.canvas
    points, colours = _rim(part)
    plane, share = _likeliest_plane(points, colours)
    if share < config.min_rim_share:
        return None
    is_near = _distance(plane[None], points, colours)[:, 0] <= config.rough_tolerance_levels
    if _is_sloped(plane):
        plane = np.linalg.lstsq(points[is_near], colours[is_near], rcond=None)[0].astype(np.float32)
    else:
        # Sorted: a tenth of what np.median takes for so few.
        plane[0] = np.sort(colours[is_near], axis=0)[np.count_nonzero(is_near) // 2]
    distances = np.sort(_distance(plane[None], points[is_near], colours[is_near])[:, 0])
    spread = float(distances[int(config.spread_quantile * (len(distances) - 1))])
    tolerance = max(config.spread_factor * spread, config.min_tolerance_levels)
    return plane, min(tolerance, config.max_tolerance_levels)


def _likeliest_plane(
    points: NDArray[np.float32], colours: NDArray[np.float32]
) -> tuple[NDArray[np.float32], float]:
    """Return a flat or sloped plane, and the share of the rim that is near it."""
    config = CONFIG.canvas
    chosen = _drawn_indices(len(points))
    flat = np.zeros((config.trials, 3, 3), np.float32)
    flat[:, 0] = colours[chosen[:, 0]]
    best, share = _best(flat, points, colours)
    needed = share * config.min_slope_gain_factor
    if needed < 1.0:
        is_solvable = np.abs(np.linalg.det(points[chosen])) > config.min_determinant
        steep = np.linalg.solve(points[chosen[is_solvable]], colours[chosen[is_solvable]])
        sloped, sloped_share = _best(steep.astype(np.float32), points, colours)
        if sloped_share > max(needed, config.min_sloped_rim_share):
            return sloped, sloped_share
    return best, share


def _is_sloped(plane: NDArray[np.float32]) -> bool:
    return bool(plane[1:].any())


@cache
def _drawn_indices(count: int) -> NDArray[np.int64]:
    """Return (trials, 3) indices below a count, the same each time."""
    rng = np.random.default_rng(CONFIG.canvas.seed)
    return rng.integers(count, size=(CONFIG.canvas.trials, 3))


def _rim(part: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (N, 3) points 1, x, y, both 0..1, and (N, 3) colours along the rim, one pixel in."""
    height, width = part.shape[:2]
    across = np.arange(width)
    down = np.arange(height)
    x = np.concatenate([across, across, np.full(height, 1), np.full(height, width - 2)])
    y = np.concatenate([np.full(width, 1), np.full(width, height - 2), down, down])
    step = max(1, len(x) // CONFIG.canvas.max_rim_samples)
    x, y = x[::step], y[::step]
    points = np.stack([np.ones(len(x)), x / width, y / height], axis=1).astype(np.float32)
    return points, part[y, x].astype(np.float32)


def _best(
    planes: NDArray[np.float32], points: NDArray[np.float32], colours: NDArray[np.float32]
) -> tuple[NDArray[np.float32], float]:
    if not len(planes):
        return np.zeros((3, 3), np.float32), 0.0
    is_near = _distance(planes, points, colours) <= CONFIG.canvas.rough_tolerance_levels
    shares = is_near.mean(axis=0)
    best = int(shares.argmax())
    return planes[best].copy(), float(shares[best])


def _distance(
    planes: NDArray[np.float32], points: NDArray[np.float32], colours: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return (N, K) distances of N colours from K planes, the largest of the three channels."""
    # Channels first: numpy is slow at maxima over an axis of three at the end.
    distances = points @ planes.transpose(2, 1, 0)
    distances -= colours.T[:, :, None]
    largest: NDArray[np.float32] = np.abs(distances, out=distances).max(axis=0)
    return largest


def _off_plane(
    part: NDArray[np.uint8], plane: NDArray[np.float32], tolerance: float
) -> NDArray[np.uint8]:
    height, width = part.shape[:2]
    if not _is_sloped(plane):
        low, high = np.floor(plane[0] - tolerance), np.ceil(plane[0] + tolerance)
        canvas = cv2.inRange(part, (*low.tolist(), 0), (*high.tolist(), 0))
        return np.asarray(cv2.threshold(canvas, 0, 1, cv2.THRESH_BINARY_INV)[1], np.uint8)
    across = np.outer(plane[1], np.arange(width) / width)
    down = np.outer(plane[2], np.arange(height) / height) + plane[0][:, None]
    # Whole numbers of fractions of a grey level: several times as fast as floats.
    limit, fractions = CONFIG.canvas.max_plane_levels, CONFIG.canvas.fractions_per_level
    across, down = (np.clip(each, -limit, limit) * fractions for each in (across, down))
    furthest = np.zeros((height, width), np.uint8)
    for channel, levels in enumerate(cv2.split(part)):
        expected = np.add.outer(down[channel].astype(np.int16), across[channel].astype(np.int16))
        expected = (np.clip(expected, 0, 255 * fractions) // fractions).astype(np.uint8)
        furthest = np.maximum(furthest, cv2.absdiff(levels, expected))
    return np.asarray(cv2.threshold(furthest, tolerance, 1, cv2.THRESH_BINARY)[1], np.uint8)


def _without_holes(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mask with canvas-coloured spots that no canvas leads to counted as content."""
    height, width = mask.shape
    walled = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    outside = 2
    cv2.floodFill(walled, None, (0, 0), outside)
    filled = cv2.threshold(walled, outside - 1, 1, cv2.THRESH_BINARY_INV)[1]
    return np.ascontiguousarray(filled[1 : height + 1, 1 : width + 1], np.uint8)
