"""Sections of a made page without photos that count: words, icons, buttons, tables, shapes."""

from collections.abc import Callable

import numpy as np

from ml.panels.made.page import Page
from ml.types import Box


def _words(page: Page, left: int, right: int) -> None:
    """Write a heading and lines of text."""
    page.write(left, page.y, right - left, size=int(page.rng.integers(22, 40)), lines=1)
    page.y += 56
    page.y = page.write(left, page.y, right - left, size=15, lines=int(page.rng.integers(2, 9)))


def _icons(page: Page, left: int, right: int) -> None:
    """Draw coloured shapes in a row, words below each."""
    side = int(page.rng.integers(28, 80))
    for x in range(left, right - side, max(side * 2, (right - left) // 4)):
        shape = (x, page.y, x + side, page.y + side)
        draw = page.draw.ellipse if page.rng.random() < 0.5 else page.draw.rectangle
        draw(shape, fill=tuple(int(level) for level in page.rng.integers(0, 256, 3)))
        page.draw.line(
            (x + side // 4, page.y + side // 2, x + side * 3 // 4, page.y + side // 4),
            fill="white",
            width=4,
        )
        page.write(x, page.y + side + 8, side * 2, size=13, lines=2)
    page.y += side + 50


def _buttons(page: Page, left: int, right: int) -> None:
    """Draw large buttons in a row."""
    for x in range(left, right - 200, 240):
        box = (
            x,
            page.y,
            x + int(page.rng.integers(100, 200)),
            page.y + int(page.rng.integers(36, 110)),
        )
        page.draw.rounded_rectangle(box, page.radius, fill=page.accent)
        page.write(x + 16, page.y + 10, 90, size=15, lines=1)
    page.y += 112


def _chat(page: Page, left: int, right: int) -> None:
    """Draw what people wrote, round pictures of them beside it."""
    for _ in range(int(page.rng.integers(2, 5))):
        side = int(page.rng.integers(28, 56))
        page.draw_photo(Box(left, page.y, left + side, page.y + side), radius=side // 2)
        width = int((right - left) * page.rng.uniform(0.3, 0.7))
        box = (left + side + 12, page.y, left + side + 12 + width, page.y + 64)
        page.draw.rounded_rectangle(box, 10, fill=page.card, outline=(128, 128, 128))
        page.write(box[0] + 12, page.y + 10, width - 24, size=14, lines=2)
        page.y += 84


def _band(page: Page, left: int, right: int) -> None:
    """Draw a coloured band across the page, flat or a gradient, with words and no photo."""
    height = int(page.rng.integers(100, 300))
    start, stop = np.array(page.accent), page.rng.integers(0, 256, 3)
    is_flat = page.rng.random() < 0.6
    for row in range(height):
        colour = start if is_flat else start + (stop - start) * row // height
        page.draw.line((0, page.y + row, page.width, page.y + row), fill=tuple(map(int, colour)))
    size = int(page.rng.integers(24, 60))
    page.write(left, page.y + height // 4, (right - left) // 2, size=size, lines=1)
    page.write(left, page.y + height // 2, (right - left) // 2, size=15, lines=2)
    page.y += height


def _table(page: Page, left: int, right: int) -> None:
    """Draw rows of four columns of words."""
    for _ in range(int(page.rng.integers(3, 7))):
        page.draw.rectangle((left, page.y, right, page.y + 34), outline=(140, 140, 140))
        for index in range(4):
            x = left + index * (right - left) // 4
            page.write(x + 8, page.y + 8, (right - left) // 5, size=13, lines=1)
        page.y += 34


def _artwork(page: Page, left: int, right: int) -> None:
    """Draw a banner of flat shapes and words, which is no photo."""
    height = int(page.rng.integers(120, 320))
    right = left + int((right - left) * page.rng.uniform(0.3, 1.0))
    colours = [tuple(int(level) for level in row) for row in page.rng.integers(0, 256, (9, 3))]
    page.draw.rectangle((left, page.y, right, page.y + height), fill=colours[0])
    for colour in colours[1:]:
        x, y = (
            int(page.rng.integers(left, right)),
            int(page.rng.integers(page.y, page.y + height)),
        )
        wide, high = (int(side) for side in page.rng.integers(8, 90, 2))
        box = (x, y, min(x + wide, right), min(y + high, page.y + height))
        draw = (page.draw.rectangle, page.draw.ellipse)[int(page.rng.integers(2))]
        if box[2] > box[0] and box[3] > box[1]:
            draw(box, fill=colour)
    size = int(page.rng.integers(20, 60))
    page.write(left + 20, page.y + height // 3, (right - left) // 2, size=size, lines=1)
    page.y += height


PLAIN_SECTIONS: tuple[Callable[[Page, int, int], None], ...] = (
    _words,
    _icons,
    _buttons,
    _chat,
    _band,
    _table,
    _artwork,
)
