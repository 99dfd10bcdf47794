"""Values that several parts of `ml` hand to each other."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """Part of an upright picture in pixels, half-open: x0 ≤ x < x1, y0 ≤ y < y1."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.y1 - self.y0

    @property
    def area(self) -> int:
        """Pixels in it."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Choice:
    """Which encoder or detector is to be used, and the reason as one plain sentence."""

    name: str
    reason: str


def shared_area(one: Box, other: Box) -> int:
    """Return how many pixels lie in both boxes."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return width * height if width > 0 and height > 0 else 0


def intersection_over_union(one: Box, other: Box) -> float:
    """Return the shared area of two boxes by the area of both together, 0..1."""
    shared = shared_area(one, other)
    return shared / (one.area + other.area - shared) if shared else 0.0
