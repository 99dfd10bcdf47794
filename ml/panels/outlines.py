"""Convex polygons: the outlines of panels whose sides are not all upright or level."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ml.panels.config import CONFIG
from ml.types import Box

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PanelOutline:
    """A convex polygon.

    Attributes:
        corners: x and y of three and more, clockwise on the screen (y points down); none if empty.
    """

    corners: tuple[Point, ...]

    @classmethod
    def of_box(cls, box: Box) -> "PanelOutline":
        """Return the outline of a box."""
        return cls(((box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1)))

    @property
    def area(self) -> float:
        """Its area, 0 if it is empty."""
        sides = pairwise((*self.corners, *self.corners[:1]))
        return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in sides) / 2

    @property
    def box(self) -> Box:
        """The least box of whole pixels around it.

        Raises:
            ValueError: it is empty.
        """
        xs, ys = zip(*self.corners, strict=True)
        low = (math.floor(min(xs)), math.floor(min(ys)))
        return Box(*low, math.ceil(max(xs)), math.ceil(max(ys)))

    @property
    def is_box(self) -> bool:
        """Whether nearly all of its box lies in it."""
        return self.area >= CONFIG.comics.min_box_share * self.box.area

    def cut(self, across: float, down: float, offset: float) -> "PanelOutline":
        """Return the part where `across` · x + `down` · y ≤ `offset`, empty if there is none."""
        if not self.corners:
            return self
        kept: list[Point] = []
        heights = [across * x + down * y - offset for x, y in self.corners]
        ends = pairwise((*zip(self.corners, heights, strict=True), (self.corners[0], heights[0])))
        for (start, above), (stop, next_above) in ends:
            if above <= 0:
                kept.append(start)
            if above * next_above < 0:
                share = above / (above - next_above)
                x, y = (a + (b - a) * share for a, b in zip(start, stop, strict=True))
                kept.append((x, y))
        return PanelOutline(tuple(kept) if _enclose(kept) else ())

    def scaled(self, across: float, down: float) -> "PanelOutline":
        """Return it with every x and y multiplied, both factors > 0."""
        return PanelOutline(tuple((x * across, y * down) for x, y in self.corners))


def shared_outline_area(one: PanelOutline, other: PanelOutline) -> float:
    """Return the area that lies in both outlines (Sutherland and Hodgman, CACM 1974)."""
    shared = one
    for (x0, y0), (x1, y1) in pairwise((*other.corners, *other.corners[:1])):
        # Inside lies at the right of each side, as the corners go clockwise.
        across, down = y1 - y0, x0 - x1
        shared = shared.cut(across, down, across * x0 + down * y0)
    return shared.area if other.corners else 0.0


def outline_iou(one: PanelOutline, other: PanelOutline) -> float:
    """Return the shared area of two outlines by the area of both together, 0..1."""
    shared = shared_outline_area(one, other)
    return shared / (one.area + other.area - shared) if shared else 0.0


def outline_of(corners: Sequence[Point]) -> PanelOutline:
    """Return the outline with these corners, turned clockwise where they are not.

    Raises:
        ValueError: they are no convex polygon with an area.
    """
    outline = PanelOutline(tuple(corners))
    if outline.area < 0:
        outline = PanelOutline(tuple(reversed(outline.corners)))
    points = (*outline.corners, *outline.corners[:2])
    turns = [
        (x1 - x0) * (y2 - y1) - (y1 - y0) * (x2 - x1)
        for (x0, y0), (x1, y1), (x2, y2) in zip(points, points[1:], points[2:], strict=False)
    ]
    if not _enclose(corners) or outline.area <= 0 or min(turns) < 0:
        raise ValueError(f"{list(corners)} is no convex polygon")
    return outline


def _enclose(corners: Sequence[Point]) -> bool:
    """Return whether there are enough corners to have something between them."""
    return len(corners) > 2  # noqa: PLR2004 - a line has two ends
