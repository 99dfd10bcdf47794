"""Strips of a region from side to side: those between cuts, and those beside panels."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ml.panels.config import CONFIG
from ml.panels.measurement.cuts import Cuts
from ml.panels.measurement.work_copy import WorkCopy
from ml.types import Box


def strips_between_cuts(
    work_copy: WorkCopy, region: Box, cuts: Cuts, probabilities: NDArray[np.float32]
) -> list[Box]:
    """Return the strips between likely cuts that are large enough; none if that is the region.

    Narrow strips are gutters and thrown away; where one shows anything, one of its cuts is wrong,
    and the less likely one is not made.

    Args:
        work_copy: the picture.
        region: what is cut.
        cuts: N candidates in one direction.
        probabilities: (N,) float32, 0..1.
    """
    chosen = {
        int(position): float(probability)
        for position, probability in zip(cuts.positions, probabilities, strict=True)
        if probability >= CONFIG.search.likely_probability
    }
    is_right: dict[Box, bool] = {}
    while True:
        strips = _strips_at(region, sorted(chosen), is_upright=cuts.is_upright)
        for each in strips:
            if each not in is_right:
                is_right[each] = work_copy.is_large_enough(each) or _is_gutter(work_copy, each)
        wrong = next((each for each in strips if not is_right[each]), None)
        if wrong is None:
            break
        ends = (wrong.x0, wrong.x1) if cuts.is_upright else (wrong.y0, wrong.y1)
        del chosen[min((end for end in ends if end in chosen), key=lambda end: chosen[end])]
    large = [each for each in strips if work_copy.is_large_enough(each)]
    return [] if large == [region] else large


def have_gutters(strips: Sequence[Box]) -> bool:
    """Return whether there is space between any two strips that follow each other."""
    return any(one.x1 != other.x0 and one.y1 != other.y0 for one, other in pairwise(strips))


def strips_beside(work_copy: WorkCopy, region: Box, boxes: Sequence[Box]) -> list[Box]:
    """Return the strips of a region that no box reaches into and that are large enough.

    They are of one direction, upright if there are such: strips of both cross each other.
    """
    across = _gaps(region.x0, region.x1, [(box.x0, box.x1) for box in boxes])
    down = _gaps(region.y0, region.y1, [(box.y0, box.y1) for box in boxes])
    upright = [Box(x0, region.y0, x1, region.y1) for x0, x1 in across]
    level = [Box(region.x0, y0, region.x1, y1) for y0, y1 in down]
    return [each for each in upright if work_copy.is_large_enough(each)] or [
        each for each in level if work_copy.is_large_enough(each)
    ]


def _strips_at(region: Box, positions: Sequence[int], *, is_upright: bool) -> list[Box]:
    if is_upright:
        ends = pairwise([region.x0, *positions, region.x1])
        return [Box(first, region.y0, last, region.y1) for first, last in ends]
    ends = pairwise([region.y0, *positions, region.y1])
    return [Box(region.x0, first, region.x1, last) for first, last in ends]


def _is_gutter(work_copy: WorkCopy, strip: Box) -> bool:
    """Return whether at least half of a strip, without its edges, is calm."""
    inner = work_copy.gradient[strip.y0 + 1 : strip.y1 - 1, strip.x0 + 1 : strip.x1 - 1]
    shown = int(np.count_nonzero(inner > CONFIG.search.max_gutter_levels))
    return 2 * shown <= inner.size


def _gaps(first: int, last: int, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield what spans leave between two ends."""
    for start, end in [*sorted(spans), (last, last)]:
        if start > first:
            yield first, start
        first = max(first, end)
