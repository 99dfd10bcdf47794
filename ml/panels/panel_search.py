"""A sheet taken apart: canvases and cuts, alternating, down to the boxes that may be panels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.canvas import find_content
from ml.panels.cuts import Cuts, find_cuts
from ml.panels.margins import trimmed
from ml.panels.photo_features import Outline, coverage, panel_features, snapped
from ml.panels.seams import SNAP_PX
from ml.panels.sheet import Sheet
from ml.types import Box

LIKELY = 0.5  # a judge's yes
# For the first cut of all, as most pictures are one photo, some with a straight edge all across;
# and inside what gutters or canvas already set apart, as a collage seldom has photos both with and
# without space between them.
_SURE = 0.8
_VOUCHING, _VOUCHED = 3, 0.65  # so many panels behind a cut make it a surer one
_MOST_DEPTH = 12  # a canvas or a cut each: pages in cards in columns need 6 or 7
# What may be looked into bounds the time: large boxes by their area, as shares of the sheet, each
# with `_EACH` added; and so many smaller ones. Real collages and pages seldom have more. The others
# are only judged themselves, which is enough for a grid of small photos.
_LARGE, _EACH = 1 / 40, 0.15
_MOST_AREA, _MOST_SMALL = 6.0, 12
_LEAST_TEXTURED = 0.03  # share of a photo: of 99 in 100 made panels, 15 % and more is
_NEARLY_ALL = 0.97  # of a region: a part as large as this is the region itself
# From this depth on, parts on a canvas with a side of less edge than this are nothing: the canvas
# is a flat ground in a photo then, or runs into one.
_SIDES_NEEDED_FROM, _LEAST_SIDE_SHARE = 1, 0.12
# What makes a part a photo on a card, where its surroundings look like a photo, too: clear sides
# all around (their least share of edge), and a rim on each side or text (its share of sharp steps).
_CLEAR_SIDE, _LEAST_TEXT = 0.9, 0.01
_SHARP = 40  # grey levels between neighbours, as strokes of letters have
_LEAST_INNER_SIDE = 0.5  # of a photo in a box with clear sides; things on a ground have less
_SMALL, _SURELY_ONE = 1 / 16, 0.95  # of the sheet; confidence: such a box is not looked into
_UNSURE = 0.05  # confidences this close say the same
_ALL_COVERED = np.ones(5, np.float32)  # of a part that lies on no canvas
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
        sides: left, top, right, bottom: the share of the side with an edge, 0..1; one on the
            sheet's rim counts 1.
    """

    box: Box
    confidence: float
    sides: tuple[float, ...]

    @property
    def weakest_side(self) -> float:
        """The least of its sides' shares."""
        return min(self.sides)


def find_panels(sheet: Sheet, judge: Judge) -> tuple[list[Found], list[Found]]:
    """Return the panels of a sheet from the top, and the boxes that were judged to be none.

    There are no panels where it is one photo or shows none.
    """
    if not sheet.is_large(sheet.whole):
        return [], []
    parting = _Parting(sheet, judge, {}, {True: _MOST_AREA, False: _MOST_SMALL}, [])
    found = parting.on_canvas(sheet.whole, depth=0) or parting.cut_out(
        sheet.whole, depth=0, needed=_SURE
    )
    return found, parting.rejected


@dataclass(frozen=True, slots=True)
class _Parting:
    """One sheet being taken apart, by two ways in turn.

    Attributes:
        sheet: the picture.
        judge: decides.
        known: what the boxes seen so far hold: both ways often lead to the same box.
        left: what may still be looked into: area of large boxes, and how many smaller ones.
        rejected: boxes that hold no panel and are none.
    """

    sheet: Sheet
    judge: Judge
    known: dict[Box, list[Found]]
    left: dict[bool, float]
    rejected: list[Found]

    def on_canvas(self, region: Box, *, depth: int) -> list[Found]:
        """Return the panels that lie on the canvas of a region."""
        content = find_content(self.sheet.pixels, region)
        if content is None:
            return []
        found = []
        boxes = _joined(content.boxes, self.sheet.least_side)
        for box in boxes:
            if box.width * box.height >= _NEARLY_ALL * region.width * region.height:
                continue
            outline = snapped(self.sheet, box, region)
            if depth < _SIDES_NEEDED_FROM or outline.weakest_own >= _LEAST_SIDE_SHARE:
                covered = coverage(content.mask, region, box)
                # A collage in a margin has straight sides, a thing on a plain ground has none.
                is_collage = len(boxes) == 1 and outline.weakest_own >= _CLEAR_SIDE
                needed = LIKELY if is_collage else _SURE
                found += self._panels(region, outline, covered, depth=depth, needed=needed)
        return found

    def cut_out(self, region: Box, *, depth: int, needed: float) -> list[Found]:
        """Return the panels between the cuts of the direction that has the likeliest one.

        Several panels need a cut as likely as `needed`; for one, a likely cut does.
        """
        best, needed_inside = LIKELY, LIKELY
        outlines: list[Outline] = []
        for is_upright in (True, False):
            cuts = find_cuts(self.sheet, region, is_upright=is_upright)
            if not len(cuts.places):
                continue
            likely = self.judge.cuts(self.sheet, region, cuts)
            slices = _slices(self.sheet, region, cuts, likely)
            if not slices or likely.max() <= best:
                continue
            cut = [snapped(self.sheet, trimmed(self.sheet, box), region) for box in slices]
            # A rim that is back when the sides are moved says nothing of what is inside.
            if [each.box for each in cut] != [region]:
                best, outlines = float(likely.max()), cut
                needed_inside = _SURE if _have_gutters(slices) else LIKELY
        found = []
        for outline in outlines:
            found += self._panels(region, outline, _ALL_COVERED, depth=depth, needed=needed_inside)
        if len(found) >= _VOUCHING:
            needed = min(needed, _VOUCHED)
        return found if best >= needed or len(found) == 1 else []

    def _panels(
        self,
        region: Box,
        outline: Outline,
        covered: NDArray[np.float32],
        *,
        depth: int,
        needed: float,
    ) -> list[Found]:
        box = outline.box
        if not self.sheet.is_large(box):
            return []
        if not _may_show(self.sheet, box):
            self.rejected.append(Found(box, 0.0, outline.shares))
            return []
        if box not in self.known:
            self.known[box] = []  # of a box that leads back to itself
            judged = self._judged(outline, covered)
            may_part = (
                # A rim that was cut off and is back when the sides are moved would be cut off
                # for ever.
                box != region
                and depth < _MOST_DEPTH
                # Two photos with nothing between look like one.
                and not (needed >= _SURE and self._is_surely_one(judged))
                and self._has_turn(box)
            )
            self.known[box] = self._resolved(judged, depth=depth, needed=needed, may_part=may_part)
        return self.known[box]

    def _judged(self, outline: Outline, covered: NDArray[np.float32]) -> Found:
        features = panel_features(self.sheet, outline, covered=covered)
        confidence = self.judge.panel(self.sheet, outline, features)
        return Found(outline.box, confidence, outline.shares)

    def _is_surely_one(self, judged: Found) -> bool:
        """Return whether a small box is so clearly a photo that what parts it is in the photo."""
        is_small = judged.box.width * judged.box.height < _SMALL * self.sheet.gradient.size
        is_clear = judged.weakest_side >= _CLEAR_SIDE
        return is_small and is_clear and judged.confidence >= _SURELY_ONE

    def _beside(self, region: Box, laid: Sequence[Found], *, depth: int) -> list[Found]:
        """Return the panels in strips from side to side of a region, beside all those laid."""
        boxes = [each.box for each in laid]
        across = _gaps(region.x0, region.x1, [(box.x0, box.x1) for box in boxes])
        down = _gaps(region.y0, region.y1, [(box.y0, box.y1) for box in boxes])
        upright = [Box(x0, region.y0, x1, region.y1) for x0, x1 in across]
        level = [Box(region.x0, y0, region.x1, y1) for y0, y1 in down]
        found = []
        # One direction: strips of both cross each other.
        for strip in self._large(upright) or self._large(level):
            outline = snapped(self.sheet, trimmed(self.sheet, strip), region)
            found += self._panels(region, outline, _ALL_COVERED, depth=depth, needed=_SURE)
        return found

    def _large(self, boxes: Sequence[Box]) -> list[Box]:
        return [box for box in boxes if self.sheet.is_large(box)]

    def _has_turn(self, box: Box) -> bool:
        share = box.width * box.height / self.sheet.gradient.size
        is_large = share >= _LARGE
        self.left[is_large] -= share + _EACH if is_large else 1
        return self.left[is_large] >= 0

    def _resolved(self, judged: Found, *, depth: int, needed: float, may_part: bool) -> list[Found]:
        """Return the panels in a box; or the box itself, where that is likelier."""
        box, confidence = judged.box, judged.confidence
        laid = self.on_canvas(box, depth=depth + 1) if may_part else []
        if len(laid) > 1 or (
            laid
            and (
                (laid[0].confidence > confidence + _UNSURE and not _is_thing_in(judged, laid[0]))
                or _is_on_card(self.sheet, box, laid[0])
            )
        ):
            # Where all looks like a photo, the canvas may be the plain ground of one more.
            more = self._beside(box, laid, depth=depth + 1) if confidence >= _SURELY_ONE else []
            return laid + more
        cut = self.cut_out(box, depth=depth + 1, needed=needed) if may_part else []
        # Photos side by side look like one photo: only the cuts themselves speak for several.
        if len(cut) > 1 or (
            cut
            and (
                (cut[0].confidence >= confidence - _UNSURE and not _is_thing_in(judged, cut[0]))
                or _is_on_card(self.sheet, box, cut[0])
            )
        ):
            return cut
        if confidence >= LIKELY:
            return [judged]
        self.rejected.append(judged)
        return []


def _may_show(sheet: Sheet, box: Box) -> bool:
    """Return whether a box has as much texture as the smallest photo; most text has not."""
    return sheet.textured_px(box) >= _LEAST_TEXTURED * sheet.least_side**2


def _gaps(first: int, last: int, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield what spans leave between two ends."""
    for start, end in [*sorted(spans), (last, last)]:
        if start > first:
            yield first, start
        first = max(first, end)


def _is_thing_in(photo: Found, thing: Found) -> bool:
    """Return whether a box in a likely photo with clear sides has a side without an edge itself."""
    is_photo_clear = photo.confidence >= LIKELY and photo.weakest_side >= _CLEAR_SIDE
    return is_photo_clear and thing.weakest_side < _LEAST_INNER_SIDE


def _is_on_card(sheet: Sheet, card: Box, photo: Found) -> bool:
    box = photo.box
    if photo.weakest_side < _CLEAR_SIDE:
        return False
    rims = (box.x0 - card.x0, box.y0 - card.y0, card.x1 - box.x1, card.y1 - box.y1)
    if min(rims) > SNAP_PX:
        return True
    sharp = [
        cv2.countNonZero(
            np.asarray(sheet.gradient[each.y0 : each.y1, each.x0 : each.x1] > _SHARP, np.uint8)
        )
        for each in (card, box)
    ]
    around = card.width * card.height - box.width * box.height
    return sharp[0] - sharp[1] >= _LEAST_TEXT * around


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

    def part(ends: tuple[int, int]) -> Box:
        if cuts.is_upright:
            return Box(ends[0], region.y0, ends[1], region.y1)
        return Box(region.x0, ends[0], region.x1, ends[1])

    is_kept: dict[tuple[int, int], bool] = {}
    while True:
        parts = list(pairwise([first, *sorted(chosen), last]))
        for ends in parts:
            if ends not in is_kept:
                is_kept[ends] = sheet.is_large(part(ends)) or _is_gutter(sheet, part(ends))
        shown = next((ends for ends in parts if not is_kept[ends]), None)
        if shown is None:
            break
        del chosen[min((end for end in shown if end in chosen), key=lambda end: chosen[end])]
    large = [box for box in map(part, parts) if sheet.is_large(box)]
    return [] if large == [region] else large


def _have_gutters(slices: Sequence[Box]) -> bool:
    return any(one.x1 != other.x0 and one.y1 != other.y0 for one, other in pairwise(slices))


def _is_gutter(sheet: Sheet, part: Box) -> bool:
    inner = sheet.gradient[part.y0 + 1 : part.y1 - 1, part.x0 + 1 : part.x1 - 1]
    return 2 * int(np.count_nonzero(inner > _MOST_STROKES)) <= inner.size


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
