"""Gutters of one colour across a part of a page, at any of a page's slopes."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.config import CONFIG
from ml.panels.outlines import PanelOutline


@dataclass(frozen=True, slots=True)
class Slope:
    """A direction of gutters.

    Attributes:
        is_upright: whether they rather go down than across.
        rise: pixels aside per pixel down, or down per pixel aside; 0 is exactly upright or level.
    """

    is_upright: bool
    rise: float = 0.0


@dataclass(frozen=True, slots=True)
class Gutter:
    """A band of the page's colour from side to side.

    Attributes:
        slope: its direction.
        start, stop: where it begins and ends: x - rise · y of its sides, or y - rise · x.
        clearness: 0..1, how much less of the colour is at its sides than in it.
    """

    slope: Slope
    start: float
    stop: float
    clearness: float

    def parts(self, outline: PanelOutline) -> tuple[PanelOutline, PanelOutline]:
        """Return what is before and behind it."""
        return before(outline, self.slope, self.start), behind(outline, self.slope, self.stop)


def before(outline: PanelOutline, slope: Slope, end: float) -> PanelOutline:
    """Return the part of an outline at the left of, or above, a line."""
    across, down = (1.0, -slope.rise) if slope.is_upright else (-slope.rise, 1.0)
    return outline.cut(across, down, end)


def behind(outline: PanelOutline, slope: Slope, start: float) -> PanelOutline:
    """Return the part of an outline at the right of, or below, a line."""
    across, down = (1.0, -slope.rise) if slope.is_upright else (-slope.rise, 1.0)
    return outline.cut(-across, -down, -start)


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """How much of a colour lies on each line of one slope through an outline.

    Attributes:
        first: the offset of the first line, see `Gutter.start`.
        shares: (N,) float32, 0..1: of the line's pixels inside; 1 where the line has none.
        lengths: (N,) float32: pixels inside.
    """

    first: float
    shares: NDArray[np.float32]
    lengths: NDArray[np.float32]


def profile(is_colour: NDArray[np.uint8], outline: PanelOutline, slope: Slope) -> Profile:
    """Return the profile of a mask.

    Args:
        is_colour: (H, W) uint8, 1 where the page's colour is, else 0.
        outline: inside the mask, not empty.
        slope: of the lines.
    """
    box = outline.box
    part = is_colour[box.y0 : box.y1, box.x0 : box.x1]
    corners = np.array(outline.corners) - (box.x0, box.y0)
    inside = np.zeros_like(part)
    # A pixel is inside where its middle is.
    cv2.fillConvexPoly(inside, np.rint((corners - 0.5) * 16).astype(np.int32), 1, shift=4)
    both = cv2.merge([cv2.bitwise_and(part, inside), inside])
    if not slope.is_upright:
        both = cv2.transpose(both)
    height, width = both.shape[:2]
    first = 0.0
    if slope.rise:
        first = min(0.0, -slope.rise * height)
        needed = math.ceil(width + abs(slope.rise) * height)
        move = np.array([[1.0, -slope.rise, -first], [0.0, 1.0, 0.0]])
        both = cv2.warpAffine(both, move, (needed, height), flags=cv2.INTER_NEAREST)
    sums = cv2.reduce(both, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32F)[0]
    lengths = sums[:, 1]
    shares = np.where(lengths > 0, sums[:, 0] / np.maximum(lengths, 1), 1).astype(np.float32)
    start, other = (box.x0, box.y0) if slope.is_upright else (box.y0, box.x0)
    return Profile(start + first - slope.rise * other, shares, lengths)


def likeliest_gutter(
    is_colour: NDArray[np.uint8],
    outline: PanelOutline,
    slopes: tuple[Slope, ...],
    min_side_px: float,
    is_panel: Callable[[PanelOutline], bool],
) -> Gutter | None:
    """Return the clearest gutter through an outline both of whose parts may be panels, or None."""
    found: list[Gutter] = []
    for slope in sorted(slopes, key=lambda each: abs(each.rise)):
        if slope.rise and any(each.clearness >= CONFIG.comics.sure_clearness for each in found):
            break  # most gutters are not slanted, and slanted lines take longer to read
        lines = profile(is_colour, outline, slope)
        found += (
            each
            for each in _gutters(lines, slope, min_side_px)
            if all(is_panel(part) for part in each.parts(outline))
        )
    if not found:
        return None
    best = max(found, key=lambda each: each.clearness)
    return _turned(is_colour, outline, best, min_side_px)


def _turned(
    is_colour: NDArray[np.uint8], outline: PanelOutline, gutter: Gutter, min_side_px: float
) -> Gutter:
    """Return a gutter at the rise, between those that were tried, where it is the clearest."""
    best = gutter
    for step in CONFIG.comics.rise_steps if gutter.slope.rise else ():
        slope = Slope(gutter.slope.is_upright, gutter.slope.rise + step)
        for other in _gutters(profile(is_colour, outline, slope), slope, min_side_px):
            are_large = all(is_large(part, min_side_px) for part in other.parts(outline))
            if are_large and other.clearness > best.clearness:
                best = other
    return best


def is_large(outline: PanelOutline, min_side_px: float) -> bool:
    """Return whether an outline is as large as the smallest panel."""
    if outline.area < min_side_px**2:
        return False
    return min(outline.box.width, outline.box.height) >= min_side_px


def _gutters(lines: Profile, slope: Slope, min_side_px: float) -> Iterator[Gutter]:
    config = CONFIG.comics
    is_gutter = (lines.shares >= config.min_gutter_share) & (lines.lengths >= min_side_px)
    ends = np.flatnonzero(np.diff(is_gutter.astype(np.int8), prepend=0, append=0))
    for start, stop in ends.reshape(-1, 2).tolist():
        beside = config.beside_px
        low, high = lines.shares[max(0, start - beside) : start], lines.shares[stop : stop + beside]
        if not len(low) or not len(high):
            continue
        share = float(np.median(lines.shares[start:stop]))
        clearness = share - max(float(low.min()), float(high.min()))
        if slope.rise:
            clearness -= config.slant_cost
        if clearness >= config.min_clearness:
            yield Gutter(slope, lines.first + start, lines.first + stop, clearness)
