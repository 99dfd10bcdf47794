"""The search for a comic's panels: gutters from side to side, until there are none."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.comics.gutters import (
    Gutter,
    Slope,
    before,
    behind,
    is_large,
    likeliest_gutter,
    profile,
)
from ml.panels.comics.page_colour import colour_masks, first_slopes_of, slopes_of
from ml.panels.config import CONFIG
from ml.panels.measurement.work_copy import WorkCopy
from ml.panels.outlines import PanelOutline
from ml.types import Box

_UPRIGHT, _LEVEL = Slope(is_upright=True), Slope(is_upright=False)


@dataclass(frozen=True, slots=True)
class ComicPanel:
    """A panel of a comic.

    Attributes:
        outline: pixels of the work copy.
        confidence: 0..1, how clearly its sides stand out from the gutters.
    """

    outline: PanelOutline
    confidence: float


def find_comic_panels(work_copy: WorkCopy) -> list[ComicPanel]:
    """Return the panels of a comic's page; none where it is no comic."""
    height, width = work_copy.gradient.shape
    if work_copy.area < CONFIG.comics.min_page_area_original_px * work_copy.scale**2:
        return []
    best: list[ComicPanel] = []
    highest = 0.0
    least = (CONFIG.comics.min_blank_levels,)
    steps = cv2.inRange(work_copy.gradient, least, (255,))
    half = (max(1, width // 2), max(1, height // 2))
    share = cv2.resize(steps, half, interpolation=cv2.INTER_AREA)
    shown = np.asarray(cv2.threshold(share, 0, 1, cv2.THRESH_BINARY)[1], np.uint8)
    for is_colour in colour_masks(work_copy.pixels, work_copy.gradient):
        back = width / is_colour.shape[1], height / is_colour.shape[0]
        page = _ComicPage(is_colour, shown, work_copy.min_side_px / back[0])
        panels = page.panels()
        rank = _rank(is_colour, panels)
        if rank > highest:
            best, highest = panels, rank
    return [ComicPanel(each.outline.scaled(*back), each.confidence) for each in best]


def _rank(is_colour: NDArray[np.uint8], panels: list[ComicPanel]) -> float:
    """Return how good panels are: more with clear sides, and more of the colour on the page's rim.

    Between frames of ink lie nearly the same panels as between gutters of paper, with more around.
    """
    clear = sum(each.confidence >= CONFIG.comics.min_panel_clearness for each in panels)
    rim = np.concatenate([is_colour[0], is_colour[-1], is_colour[:, 0], is_colour[:, -1]])
    return clear * (CONFIG.comics.inner_colour_factor + float(rim.mean()))


@dataclass(frozen=True, slots=True, eq=False)
class _ComicPage:
    """A page that is looked through for gutters of one colour.

    Attributes:
        is_colour: (H, W) uint8, 1 where that colour is.
        shown: (H, W) uint8, 1 where neighbouring pixels of the picture differ.
        min_side_px: that a panel's sides have at least.
    """

    is_colour: NDArray[np.uint8]
    shown: NDArray[np.uint8]
    min_side_px: float

    def panels(self) -> list[ComicPanel]:
        """Return the panels; none where this is no comic's page."""
        height, width = self.is_colour.shape
        outline = PanelOutline.of_box(Box(0, 0, width, height))
        trimmed = _trimmed(self.is_colour, outline)
        slopes = first_slopes_of(self.is_colour)
        if not is_large(trimmed, self.min_side_px) or self._gutter(trimmed, slopes) is None:
            return []
        slopes = slopes_of(self.is_colour)
        found = [
            ComicPanel(part, _clearness(self.is_colour, part))
            for part in self._divided(trimmed, slopes)
        ]
        return found if _is_comic(self.is_colour, found) else []

    def _divided(self, outline: PanelOutline, slopes: tuple[Slope, ...]) -> Iterator[PanelOutline]:
        """Yield the parts of an outline between its gutters, without margins."""
        trimmed = _trimmed(self.is_colour, outline)
        if not is_large(trimmed, self.min_side_px):
            return
        gutter = self._gutter(trimmed, slopes)
        if gutter is None:
            yield trimmed
            return
        for part in gutter.parts(trimmed):
            yield from self._divided(part, slopes)

    def _gutter(self, outline: PanelOutline, slopes: tuple[Slope, ...]) -> Gutter | None:
        return likeliest_gutter(
            self.is_colour, outline, slopes, self.min_side_px, self._may_be_panel
        )

    def _may_be_panel(self, outline: PanelOutline) -> bool:
        """Return whether a part is large, and is not blank but for its rim."""
        if not is_large(outline, self.min_side_px):
            return False
        box = outline.box
        inside = np.zeros((box.height, box.width), np.uint8)
        corners = np.array(outline.corners) - (box.x0, box.y0)
        cv2.fillConvexPoly(inside, np.rint(corners).astype(np.int32), 1)
        rim = 2 * CONFIG.comics.beside_px + 1
        inner = cv2.erode(inside, np.ones((rim, rim), np.uint8), borderValue=(0,))
        part = self.shown[box.y0 : box.y1, box.x0 : box.x1]
        least = CONFIG.comics.min_shown_share * cv2.countNonZero(inner)
        return cv2.countNonZero(cv2.bitwise_and(part, inner)) > least


def _trimmed(is_colour: NDArray[np.uint8], outline: PanelOutline) -> PanelOutline:
    """Return an outline without the margins at its sides."""
    for slope in (_LEVEL, _UPRIGHT):
        if not outline.corners:
            return outline
        lines = profile(is_colour, outline, slope)
        shown = np.flatnonzero(lines.shares < CONFIG.comics.max_side_share)
        if not len(shown):
            return PanelOutline(())
        start, stop = lines.first + int(shown[0]), lines.first + int(shown[-1]) + 1
        whole = outline
        if not _bleeds(is_colour, before(whole, slope, start), slope):
            outline = behind(outline, slope, start)
        if not _bleeds(is_colour, behind(whole, slope, stop), slope):
            outline = before(outline, slope, stop)
    return outline


def _bleeds(is_colour: NDArray[np.uint8], margin: PanelOutline, slope: Slope) -> bool:
    """Return whether a panel's frames go on beside what seems to be its margin."""
    config = CONFIG.comics
    shares = []
    for start, stop in _sides(margin):
        along, aside = abs(stop - start)[:: 1 if slope.is_upright else -1]
        if along > aside and along >= config.min_corner_px:
            shares.append(_shown(is_colour, start, stop))
    return len(shares) == 2 and min(shares) >= config.min_panel_clearness  # noqa: PLR2004 - both


def _clearness(is_colour: NDArray[np.uint8], outline: PanelOutline) -> float:
    """Return the mean share of an outline's sides where something else than the colour begins."""
    shares = [
        _shown(is_colour, start, stop)
        for start, stop in _sides(outline)
        if np.hypot(*(stop - start)) >= CONFIG.comics.min_corner_px
    ]
    return float(np.mean(shares)) if shares else 0.0


def _sides(outline: PanelOutline) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    corners = np.array(outline.corners, np.float64).reshape(-1, 2)
    return zip(corners, np.roll(corners, -1, axis=0), strict=True)


def _shown(
    is_colour: NDArray[np.uint8], start: NDArray[np.float64], stop: NDArray[np.float64]
) -> float:
    """Return the share of a side, going clockwise, that has something else just inside of it."""
    config = CONFIG.comics
    height, width = is_colour.shape
    length = float(np.hypot(*(stop - start)))
    along = np.linspace(0, 1, max(2, int(length / config.rim_step_px)) + 1)[1:-1, None]
    inward = np.array([start[1] - stop[1], stop[0] - start[0]]) / length
    is_shown = np.zeros(len(along), np.bool_)
    for depth in range(config.beside_px):
        at = np.floor(start + (stop - start) * along + inward * (depth + 0.5)).astype(np.intp)
        is_shown |= is_colour[at[:, 1].clip(0, height - 1), at[:, 0].clip(0, width - 1)] == 0
    return float(is_shown.mean())


def _is_comic(is_colour: NDArray[np.uint8], panels: list[ComicPanel]) -> bool:
    """Return whether there are several panels with clear sides, and little beside them."""
    config = CONFIG.comics
    if len(panels) < config.min_panels:
        return False
    outside = 1 - is_colour
    for each in panels:
        corners = np.rint(np.array(each.outline.corners) * 16).astype(np.int32)
        cv2.fillConvexPoly(outside, corners, 0, shift=4)
    area = sum(each.outline.area for each in panels)
    ends = np.concatenate([np.array(each.outline.corners) for each in panels])
    clear = float(np.mean([each.confidence for each in panels]))
    return (
        area >= config.min_covered_share * is_colour.size
        and area >= config.min_filled_share * float(np.prod(np.ptp(ends, axis=0)))
        and cv2.countNonZero(outside) <= config.max_outside_share * is_colour.size
        and clear >= config.min_page_clearness
    )
