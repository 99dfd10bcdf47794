"""Sides that cannot be seen, as of a white photo on a white canvas, found by other panels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from ml.panels.config import CONFIG
from ml.panels.measurement.work_copy import WorkCopy
from ml.panels.search.candidates import PanelCandidate
from ml.types import Box

Ends = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Guide:
    """A panel that lies in a row or column, and which of its sides can be seen."""

    ends: Ends
    is_seen: tuple[bool, ...]


def align_panels(
    work_copy: WorkCopy, panels: Sequence[PanelCandidate], rejected: Sequence[PanelCandidate]
) -> list[PanelCandidate]:
    """Return a collage's panels, hidden sides moved to where the panels beside them end.

    Args:
        work_copy: the picture.
        panels: at least one.
        rejected: boxes that do not look like panels. Beside panels they are some where each of
            their sides can be seen, or is known from panels.
    """
    boxes = [_ends(each.box) for each in panels]
    guides = _guides(panels, rejected)
    aligned = []
    for index, each in enumerate(panels):
        others = [*boxes[:index], *boxes[index + 1 :]]
        is_hidden = [share < CONFIG.alignment.max_hidden_share for share in each.sides]
        boxes[index], _ = _moved(work_copy, boxes[index], is_hidden, guides, others)
        aligned.append(replace(each, box=Box(*boxes[index])))
    min_area = CONFIG.alignment.min_area_share * median(each.box.area for each in panels)
    for each in sorted(rejected, key=lambda each: each.box.area, reverse=True):
        is_hidden = [not _is_seen(share) for share in each.sides]
        ends, are_sides_known = _moved(work_copy, _ends(each.box), is_hidden, guides, boxes)
        box = Box(*ends)
        is_slip = not work_copy.is_large_enough(box) or box.area < min_area
        if are_sides_known and not is_slip and not any(_overlap(ends, other) for other in boxes):
            boxes.append(ends)
            confidence = max(each.confidence, CONFIG.search.likely_probability)
            aligned.append(PanelCandidate(box, confidence, each.sides))
    return aligned


def _guides(panels: Sequence[PanelCandidate], rejected: Sequence[PanelCandidate]) -> list[_Guide]:
    """Return the panels that others may be aligned with: those on a line with another one.

    Two panels of a grid that lie across from each other are, with what lies between them.
    """
    boxes = [_ends(each.box) for each in panels]
    beside = [
        ends
        for ends in (_ends(each.box) for each in rejected)
        if not any(_overlap(ends, box) for box in boxes)
        and sum(_is_in_line(ends, box) for box in boxes) > 1
    ]
    return [
        _Guide(ends, tuple(_is_seen(share) for share in each.sides))
        for ends, each in zip(boxes, panels, strict=True)
        if any(_is_in_line(ends, other) for other in [*boxes, *beside] if other != ends)
    ]


def _is_seen(share: float) -> bool:
    """Return whether a side with this share of edge is where a panel ends."""
    return share >= CONFIG.alignment.min_seen_share


def _ends(box: Box) -> Ends:
    return box.x0, box.y0, box.x1, box.y1


def _is_in_line(one: Ends, other: Ends) -> bool:
    """Return whether a side lies on a line with the same side of another box."""
    return any(_is_same_line(a, b) for a, b in zip(one, other, strict=True))


def _is_same_line(one: int, other: int) -> bool:
    return abs(one - other) <= CONFIG.alignment.same_line_px


def _moved(
    work_copy: WorkCopy,
    ends: Ends,
    is_hidden: Sequence[bool],
    guides: Sequence[_Guide],
    others: Sequence[Ends],
) -> tuple[Ends, bool]:
    """Return the box with its hidden sides moved, and whether each of those is known now."""
    are_known = True
    for side in (1, 3, 0, 2):  # rows first: they are what more collages are made of
        if not is_hidden[side]:
            continue
        lines = [
            guide.ends[side]
            for guide in guides
            if guide.is_seen[side] and _is_beside(ends, guide.ends, side % 2)
        ]
        near = sorted(lines, key=lambda line: abs(line - ends[side]))
        if near and _is_same_line(near[0], ends[side]):
            continue
        line = next((line for line in near if _may_move(work_copy, ends, side, line, others)), None)
        if line is None:
            are_known = False
        else:
            ends = _with_end(ends, side, line)
    return ends, are_known


def _is_beside(one: Ends, other: Ends, axis: int) -> bool:
    """Return whether two boxes share columns (axis 0) or rows (axis 1)."""
    shared = min(one[axis + 2], other[axis + 2]) - max(one[axis], other[axis])
    shorter = min(one[axis + 2] - one[axis], other[axis + 2] - other[axis])
    return shared >= CONFIG.alignment.min_shared_share * shorter


def _may_move(
    work_copy: WorkCopy, ends: Ends, side: int, line: int, others: Sequence[Ends]
) -> bool:
    """Return whether there is nothing but ground between a side and a line near enough."""
    axis, start = side % 2, ends[side]
    outward = line - start if side > axis else start - line
    if not _is_near_enough(outward, ends[axis + 2] - ends[axis]):
        return False
    strip = _with_end(_with_end(ends, axis, min(line, start)), axis + 2, max(line, start))
    if outward > 0 and any(_overlap(strip, other) for other in others):
        return False
    return _is_ground(work_copy, strip, axis)


def _is_near_enough(outward: int, length: int) -> bool:
    """Return whether a side may move so far, inward if negative, for the length of its box."""
    config = CONFIG.alignment
    return -config.max_inward_share * length <= outward <= config.max_outward_share * length


def _is_ground(work_copy: WorkCopy, strip: Ends, axis: int) -> bool:
    """Return whether a strip that a side moves across is flat, but for the edges at its ends."""
    config = CONFIG.alignment
    x0, y0, x1, y1 = strip
    part = work_copy.gradient[y0:y1, x0:x1]
    edge_px = config.edge_px
    inner = part[edge_px:-edge_px] if axis else part[:, edge_px:-edge_px]
    ground = int(np.count_nonzero(inner <= config.max_ground_levels))
    return ground >= config.min_ground_share * inner.size


def _with_end(ends: Ends, side: int, position: int) -> Ends:
    changed = [position if index == side else end for index, end in enumerate(ends)]
    return changed[0], changed[1], changed[2], changed[3]


def _overlap(one: Ends, other: Ends) -> bool:
    return all(
        min(one[axis + 2], other[axis + 2]) - max(one[axis], other[axis]) > 0 for axis in (0, 1)
    )
