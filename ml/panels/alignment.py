"""Sides that cannot be seen, as of a white photo on a white canvas, told by other panels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from ml.panels.panel_search import LIKELY, Found
from ml.panels.sheet import Sheet
from ml.types import Box

# Shares of a side with an edge: below the first the side may be elsewhere, from the second on it
# is where a panel ends, and tells others where they do.
_HIDDEN, _SEEN = 0.5, 0.8
_LEAST_OF_OTHERS = 0.3  # of the panels' median area: less is a slip cut off a photo
_FLAT, _ALL_FLAT = 8, 0.95  # grey levels between neighbours, JPEG noise included; share of a strip
_EDGE_PX = 2  # of a strip's ends: the edges that it lies between
# How far a side may move, as shares of the box's own length: a thing may be a small part of a white
# photo, but a photo seldom ends in what is a wide margin.
_MOST_OUTWARD, _MOST_INWARD = 1.5, 0.15
_BESIDE = 0.5  # of the shorter of two boxes: so much of them shares rows, or columns
_SAME_PX = 3  # of the work copy: sides this close are on one line

Ends = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Guide:
    """A panel that lies in a row or column, and which of its sides can be seen."""

    ends: Ends
    is_seen: tuple[bool, ...]


def aligned(sheet: Sheet, found: Sequence[Found], rejected: Sequence[Found]) -> list[Found]:
    """Return a collage's panels, hidden sides moved to where the panels beside them end.

    Args:
        sheet: the picture.
        found: its panels.
        rejected: boxes that do not look like panels. Beside panels they are some where each of
            their sides can be seen, or is told by panels.
    """
    boxes = [_ends(each.box) for each in found]
    guides = [
        _Guide(ends, tuple(share >= _SEEN for share in each.sides))
        for ends, each in zip(boxes, found, strict=True)
        if any(_is_in_order(ends, other) for other in boxes if other != ends)
    ]
    panels = []
    for number, each in enumerate(found):
        others = [*boxes[:number], *boxes[number + 1 :]]
        is_hidden = [share < _HIDDEN for share in each.sides]
        boxes[number], _ = _moved(sheet, boxes[number], is_hidden, guides, others)
        panels.append(replace(each, box=Box(*boxes[number])))
    least = _LEAST_OF_OTHERS * median(each.box.width * each.box.height for each in found)
    for each in sorted(rejected, key=lambda each: each.box.width * each.box.height, reverse=True):
        is_hidden = [share < _SEEN for share in each.sides]
        ends, is_told = _moved(sheet, _ends(each.box), is_hidden, guides, boxes)
        box = Box(*ends)
        is_slip = not sheet.is_large(box) or box.width * box.height < least
        if is_told and not is_slip and not any(_overlap(ends, other) for other in boxes):
            boxes.append(ends)
            panels.append(Found(box, max(each.confidence, LIKELY), each.sides))
    return panels


def _ends(box: Box) -> Ends:
    return box.x0, box.y0, box.x1, box.y1


def _is_in_order(one: Ends, other: Ends) -> bool:
    """Return whether a side lies on a line with the same side of another box."""
    return any(abs(a - b) <= _SAME_PX for a, b in zip(one, other, strict=True))


def _moved(
    sheet: Sheet,
    ends: Ends,
    is_hidden: Sequence[bool],
    guides: Sequence[_Guide],
    others: Sequence[Ends],
) -> tuple[Ends, bool]:
    """Return the box with its hidden sides moved, and whether each of those has its place."""
    is_told = True
    for side in (1, 3, 0, 2):  # rows first: they are what more collages are made of
        if not is_hidden[side]:
            continue
        lines = [
            guide.ends[side]
            for guide in guides
            if guide.is_seen[side] and _is_beside(ends, guide.ends, side % 2)
        ]
        near = sorted(lines, key=lambda line: abs(line - ends[side]))
        if near and abs(near[0] - ends[side]) <= _SAME_PX:
            continue
        line = next((line for line in near if _may_move(sheet, ends, side, line, others)), None)
        if line is None:
            is_told = False
        else:
            ends = _with_end(ends, side, line)
    return ends, is_told


def _is_beside(one: Ends, other: Ends, axis: int) -> bool:
    """Return whether two boxes share columns (axis 0) or rows (axis 1)."""
    shared = min(one[axis + 2], other[axis + 2]) - max(one[axis], other[axis])
    shorter = min(one[axis + 2] - one[axis], other[axis + 2] - other[axis])
    return shared >= _BESIDE * shorter


def _may_move(sheet: Sheet, ends: Ends, side: int, line: int, others: Sequence[Ends]) -> bool:
    """Return whether there is nothing but ground between a side and a line."""
    axis, place = side % 2, ends[side]
    length = ends[axis + 2] - ends[axis]
    outward = line - place if side > axis else place - line
    if not -_MOST_INWARD * length <= outward <= _MOST_OUTWARD * length:
        return False
    x0, y0, x1, y1 = strip = _with_end(
        _with_end(ends, axis, min(line, place)), axis + 2, max(line, place)
    )
    if outward > 0 and any(_overlap(strip, other) for other in others):
        return False
    part = sheet.gradient[y0:y1, x0:x1]
    inner = part[_EDGE_PX:-_EDGE_PX] if axis else part[:, _EDGE_PX:-_EDGE_PX]
    return int(np.count_nonzero(inner <= _FLAT)) >= _ALL_FLAT * inner.size


def _with_end(ends: Ends, side: int, place: int) -> Ends:
    changed = [place if number == side else end for number, end in enumerate(ends)]
    return changed[0], changed[1], changed[2], changed[3]


def _overlap(one: Ends, other: Ends) -> bool:
    return all(
        min(one[axis + 2], other[axis + 2]) - max(one[axis], other[axis]) > 0 for axis in (0, 1)
    )
