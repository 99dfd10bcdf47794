"""Several pages as one picture: below each other, at their own sizes, on plain white."""

from collections.abc import Sequence
from dataclasses import dataclass

# White between pages, pixels.
_GAP_PX = 16


@dataclass(frozen=True, slots=True)
class PageBox:
    """Where a page lies in the picture of all pages: pixels, half-open."""

    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True, slots=True)
class PageStack:
    """A picture of pages: its size in pixels, and where each of them is, from the top."""

    width: int
    height: int
    pages: tuple[PageBox, ...]


def lay_out(sizes: Sequence[tuple[int, int]], *, max_pixels: int) -> PageStack:
    """Return the stack of pages of these sizes; as many of the first as fit into `max_pixels`.

    One page is the whole stack, whatever its size.

    Args:
        sizes: width and height of each upright page; one or more.
        max_pixels: of the stack.
    """
    shown = 1
    while shown < len(sizes):
        width, height = _size(sizes[: shown + 1])
        if width * height > max_pixels:
            break
        shown += 1
    width, height = _size(sizes[:shown])
    boxes, top = [], 0
    for page_width, page_height in sizes[:shown]:
        left = (width - page_width) // 2
        boxes.append(PageBox(left, top, left + page_width, top + page_height))
        top += page_height + _GAP_PX
    return PageStack(width, height, tuple(boxes))


def _size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    gaps = _GAP_PX * (len(sizes) - 1)
    return max(width for width, _ in sizes), sum(height for _, height in sizes) + gaps
