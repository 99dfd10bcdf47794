"""A sheet taken apart: canvases and cuts, alternating, down to the boxes that may be panels."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ml.panels.canvas import find_content
from ml.panels.cuts import Cuts, find_cuts
from ml.panels.likeness import Outline, coverage, panel_features, snapped
from ml.panels.sheet import Sheet
from ml.types import Box

LIKELY = 0.5  # a judge's yes
_MOST_DEPTH = 12  # a canvas or a cut each: pages in cards in columns need 6 or 7
_NEARLY_ALL = 0.97  # of a region: a part as large as this is the region itself
# From this depth on, parts on a canvas with a side of less edge than this are nothing: the canvas
# is a flat ground in a photo then, or runs into one.
_SIDES_NEEDED_FROM, _LEAST_SIDE_SHARE = 1, 0.12
_CLEAR_SIDE = 0.9  # share of edge: a part with four such sides is a photo on a card, not in a photo
_MOST_STROKES = 5  # median step in grey levels: in a strip that is thrown away is no photo


class Judge(Protocol):
    """Decides what `find_panels` cannot: it is trees when used, and the truth when they learn."""

    def cuts(self, sheet: Sheet, region: Box, cuts: Cuts) -> NDArray[np.float32]:
        """Return (N,) float32: how likely each cut parts two things of a collage, 0..1."""

    def panel(self, sheet: Sheet, outline: Outline, features: NDArray[np.float32]) -> float:
        """Return how likely the outline is a whole panel, 0..1."""


@dataclass(frozen=True, slots=True)
class Found:
    """A panel of the sheet.

    Attributes:
        box: pixels of the work copy.
        confidence: 0..1.
        weakest_side: the least of its sides' shares of straight edge, 0..1.
    """

    box: Box
    confidence: float
    weakest_side: float


def find_panels(sheet: Sheet, judge: Judge) -> list[Found]:
    """Return the panels of a sheet from the top; none where it is one photo or shows none."""
    if not sheet.is_large(sheet.whole):
        return []
    return _on_canvas(sheet, judge, sheet.whole, depth=0) or _cut_out(
        sheet, judge, sheet.whole, depth=0
    )


def _on_canvas(sheet: Sheet, judge: Judge, region: Box, *, depth: int) -> list[Found]:
    content = find_content(sheet.pixels, region)
    if content is None:
        return []
    found = []
    for box in _joined(content.boxes, sheet.least_side):
        if box.width * box.height >= _NEARLY_ALL * region.width * region.height:
            continue
        outline = snapped(sheet, box, region)
        if depth < _SIDES_NEEDED_FROM or outline.weakest_own >= _LEAST_SIDE_SHARE:
            covered = coverage(content.mask, region, box)
            found += _panels(sheet, judge, region, outline, covered, depth=depth)
    return found


def _cut_out(sheet: Sheet, judge: Judge, region: Box, *, depth: int) -> list[Found]:
    """Return the panels between the cuts of the direction that has the likeliest one."""
    best, slices = 0.0, []
    for is_upright in (True, False):
        cuts = find_cuts(sheet, region, is_upright=is_upright)
        if not len(cuts.places):
            continue
        likely = judge.cuts(sheet, region, cuts)
        parts = _slices(sheet, region, cuts, likely)
        if parts and likely.max() > best:
            best, slices = float(likely.max()), parts
    covered = np.ones(5, np.float32)
    found = []
    for box in slices:
        outline = snapped(sheet, box, region)
        found += _panels(sheet, judge, region, outline, covered, depth=depth)
    return found


def _panels(
    sheet: Sheet,
    judge: Judge,
    region: Box,
    outline: Outline,
    covered: NDArray[np.float32],
    *,
    depth: int,
) -> list[Found]:
    """Return the panels in a region's part; or the part, where that is likelier."""
    box = outline.box
    if not sheet.is_large(box):
        return []
    # A rim that was cut off and is back when the sides are moved would be cut off for ever.
    may_part = box != region and depth < _MOST_DEPTH
    laid = _on_canvas(sheet, judge, box, depth=depth + 1) if may_part else []
    if len(laid) > 1:
        return laid
    confidence = judge.panel(sheet, outline, panel_features(sheet, outline, covered=covered))
    if laid and (laid[0].confidence >= confidence or laid[0].weakest_side >= _CLEAR_SIDE):
        return laid
    cut = _cut_out(sheet, judge, box, depth=depth + 1) if may_part else []
    # Photos side by side look like one photo: only the cuts themselves speak for several.
    if len(cut) > 1 or (cut and cut[0].confidence >= confidence):
        return cut
    weakest = min(1.0 if share is None else share for share in outline.sides)
    return [Found(box, confidence, weakest)] if confidence >= LIKELY else []


def _slices(sheet: Sheet, region: Box, cuts: Cuts, likely: NDArray[np.float32]) -> list[Box]:
    """Return the parts between likely cuts that are large enough.

    Narrow parts are gutters and thrown away; where one shows anything, one of its cuts is wrong,
    and the less likely one is not made.
    """
    first, last = (region.x0, region.x1) if cuts.is_upright else (region.y0, region.y1)
    chosen = {
        int(place): float(sure)
        for place, sure in zip(cuts.places, likely, strict=True)
        if sure >= LIKELY
    }
    while True:
        parts = [
            Box(start, region.y0, stop, region.y1)
            if cuts.is_upright
            else Box(region.x0, start, region.x1, stop)
            for start, stop in pairwise([first, *sorted(chosen), last])
        ]
        shown = [part for part in parts if not sheet.is_large(part) and not _is_gutter(sheet, part)]
        if not shown:
            break
        ends = (shown[0].x0, shown[0].x1) if cuts.is_upright else (shown[0].y0, shown[0].y1)
        del chosen[min((end for end in ends if end in chosen), key=lambda end: chosen[end])]
    large = [part for part in parts if sheet.is_large(part)]
    return [] if large == [region] else large


def _is_gutter(sheet: Sheet, part: Box) -> bool:
    inner = sheet.gradient[part.y0 + 1 : part.y1 - 1, part.x0 + 1 : part.x1 - 1]
    return inner.size == 0 or float(np.median(inner)) <= _MOST_STROKES


def _joined(boxes: NDArray[np.int32], least_side: float) -> Sequence[Box]:
    """Return the boxes that are large enough, those that overlap united, from the top."""
    sides = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    left = [tuple(int(end) for end in box) for box in boxes[sides >= least_side]]
    joined: list[tuple[int, ...]] = []
    while left:
        x0, y0, x1, y1 = left.pop()
        other = next(
            (o for o in joined if x0 < o[2] and o[0] < x1 and y0 < o[3] and o[1] < y1), None
        )
        if other is None:
            joined.append((x0, y0, x1, y1))
        else:
            joined.remove(other)
            left.append(
                (min(x0, other[0]), min(y0, other[1]), max(x1, other[2]), max(y1, other[3]))
            )
    return [Box(*box) for box in sorted(joined, key=lambda box: (box[1], box[0]))]
