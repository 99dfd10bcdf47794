"""Boxes with their sides moved to the straight edges beside them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.panels.config import CONFIG
from ml.panels.measurement.seams import Seams
from ml.panels.measurement.work_copy import WorkCopy
from ml.types import Box


@dataclass(frozen=True, slots=True)
class SnappedBox:
    """A box with its sides moved to the straight edges beside them.

    Attributes:
        box: pixels of the work copy.
        sides: left, top, right, bottom: the share of the side with an edge, 0..1; None on the
            work copy's rim, where there is nothing to see.
        weakest_own_side: the least of those that are no sides of the region around; 1 for none.
    """

    box: Box
    sides: tuple[float | None, float | None, float | None, float | None]
    weakest_own_side: float

    @property
    def side_shares(self) -> tuple[float, ...]:
        """The sides' shares; one on the rim counts 1."""
        return tuple(1.0 if share is None else share for share in self.sides)

    @property
    def sides_on_rim(self) -> int:
        """How many sides lie on the work copy's rim."""
        return sum(share is None for share in self.sides)

    @property
    def has_clear_own_sides(self) -> bool:
        """Whether each side has an edge that is no side of the region around."""
        return self.weakest_own_side >= CONFIG.snapping.clear_side_share

    @property
    def has_own_sides(self) -> bool:
        """Whether its own sides have as much edge as a part on a canvas needs."""
        return self.weakest_own_side >= CONFIG.search.min_side_share_on_canvas


def snap(work_copy: WorkCopy, box: Box, region: Box) -> SnappedBox:
    """Return a part of a region with its sides on the edges at most `snap_px` away."""
    height, width = work_copy.gradient.shape
    left, left_share = _snap_upright(work_copy.seams, box, box.x0, width)
    right, right_share = _snap_upright(work_copy.seams, box, box.x1, width)
    top, top_share = _snap_level(work_copy.seams, box, box.y0, height)
    bottom, bottom_share = _snap_level(work_copy.seams, box, box.y1, height)
    sides = (left_share, top_share, right_share, bottom_share)
    ends = zip(
        (box.x0, box.y0, box.x1, box.y1), (region.x0, region.y0, region.x1, region.y1), strict=True
    )
    own = [
        share
        for (end, around), share in zip(ends, sides, strict=True)
        if share is not None and abs(end - around) > CONFIG.seams.snap_px
    ]
    return SnappedBox(Box(left, top, right, bottom), sides, min(own, default=1.0))


def _snap_upright(seams: Seams, box: Box, x: int, width: int) -> tuple[int, float | None]:
    rim = _rim(x, width)
    if rim is not None:
        return rim, None

    def strongest(reach: int) -> tuple[int, float]:
        around = Box(max(1, x - reach), box.y0, min(width - 1, x + reach), box.y1)
        return _strongest(around.x0, seams.columns(around), seams.column_steps(around))

    return _near_or_farther(strongest)


def _snap_level(seams: Seams, box: Box, y: int, height: int) -> tuple[int, float | None]:
    rim = _rim(y, height)
    if rim is not None:
        return rim, None

    def strongest(reach: int) -> tuple[int, float]:
        around = Box(box.x0, max(1, y - reach), box.x1, min(height - 1, y + reach))
        return _strongest(around.y0, seams.rows(around), seams.row_steps(around))

    return _near_or_farther(strongest)


def _rim(side: int, length: int) -> int | None:
    """Return the rim of the work copy that a side lies on, or None inside of it."""
    if side <= CONFIG.snapping.work_copy_rim_px:
        return 0
    return length if side >= length - CONFIG.snapping.work_copy_rim_px else None


def _near_or_farther(strongest: Callable[[int], tuple[int, float]]) -> tuple[int, float]:
    """Return the edge near a side; where there is none, a clear one a JPEG block away."""
    clear_share = CONFIG.snapping.clear_side_share
    near = strongest(CONFIG.seams.snap_px)
    if near[1] >= clear_share:
        return near
    farther = strongest(CONFIG.snapping.jpeg_block_px)
    return farther if farther[1] >= clear_share else near


def _strongest(
    start: int, shares: NDArray[np.float32], steps: NDArray[np.float32]
) -> tuple[int, float]:
    """Return the line with the highest step among those with nearly the best share, and that."""
    best = float(shares.max())
    is_nearly_best = shares >= best - CONFIG.snapping.nearly_best_share
    return start + int(np.where(is_nearly_best, steps, -1).argmax()), best
