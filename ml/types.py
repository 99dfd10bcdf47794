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
