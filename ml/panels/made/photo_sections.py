"""Sections of a made page that show photos."""

from collections.abc import Callable

from ml.panels.made.collages import spread
from ml.panels.made.page import Page
from ml.types import Box


def _cards(page: Page, left: int, right: int) -> None:
    """Draw cards in a row: a photo, words and a button each."""
    across = max(1, min(5, (right - left) // int(page.rng.integers(150, 360))))
    width = (right - left - 20 * (across - 1)) // across
    photo = int(width * page.rng.uniform(0.5, 1.0))
    pad = int(page.rng.choice((0, 0, 10)))
    for index in range(across):
        x = left + index * (width + 20)
        box = (x, page.y, x + width, page.y + photo + 90)
        edge = (150, 150, 150) if page.rng.random() < 0.3 else None
        page.draw.rounded_rectangle(box, page.radius, fill=page.card, outline=edge)
        page.draw_photo(Box(x + pad, page.y + pad, x + width - pad, page.y + photo))
        page.write(x + 10, page.y + photo + 8, width - 20, size=14, lines=2)
        button = (x + 10, page.y + photo + 54, x + 70, page.y + photo + 80)
        page.draw.rectangle(button, fill=page.accent)
    page.y += photo + 90


def _rows(page: Page, left: int, right: int) -> None:
    """Draw a row of photos of one height."""
    gutter = int(page.rng.choice((2, 4, 8, 16)))
    height = int(page.rng.integers(100, 260))
    shares = list(page.rng.uniform(0.6, 1.6, max(1, (right - left) // 230)))
    for x0, x1 in spread(left, right, shares, gutter):
        page.draw_photo(Box(x0, page.y, x1, page.y + height))
    page.y += height
    page.write(left, page.y + 6, right - left, size=12, lines=1)
    page.y += 24


def _hero(page: Page, left: int, right: int) -> None:
    """Draw a wide photo, perhaps with words over it."""
    x0, x1 = (0, page.width) if page.rng.random() < 0.5 else (left, right)
    height = int(page.rng.integers(160, 420))
    page.draw_photo(Box(x0, page.y, x1, page.y + height), radius=0)
    if page.rng.random() < 0.5:
        page.write(left + 40, page.y + height // 3, (right - left) // 2, size=40, lines=1)
    page.y += height


def _beside(page: Page, left: int, right: int) -> None:
    """Draw a photo with text beside it."""
    middle = left + int((right - left) * page.rng.uniform(0.3, 0.6))
    height = int((middle - left) * page.rng.uniform(0.5, 1.0))
    is_left = page.rng.random() < 0.5
    photo = Box(left, page.y, middle - 20, page.y + height)
    words = (middle, right) if is_left else (left, left + right - middle)
    if not is_left:
        photo = Box(right - photo.width, page.y, right, page.y + height)
    page.draw_photo(photo)
    page.write(words[0], page.y, words[1] - words[0] - 24, size=15, lines=max(1, height // 26))
    page.y += height


def _feed(page: Page, left: int, right: int) -> None:
    """Draw a post: who wrote it, photos, and words below."""
    width = min(right - left, int(page.rng.integers(320, 560)))
    x = left + (right - left - width) // 2
    page.draw_photo(Box(x, page.y, x + 40, page.y + 40), radius=20)
    page.write(x + 52, page.y + 8, width - 60, size=14, lines=1)
    page.y += 52
    gutter, across = int(page.rng.choice((0, 2, 4))), int(page.rng.integers(1, 3))
    height = int(width / across * page.rng.uniform(0.6, 1.0))
    for _ in range(int(page.rng.integers(1, 3))):
        for x0, x1 in spread(x, x + width, [1.0] * across, gutter):
            page.draw_photo(Box(x0, page.y, x1, page.y + height), radius=0)
        page.y += height + gutter
    page.write(x, page.y + 8, width, size=14, lines=1)
    page.y += 30


def _banner(page: Page, left: int, right: int) -> None:
    """Draw a photo from side to side with a heading, a button, arrows and dots over it."""
    x0, x1 = page.sides if page.rng.random() < 0.7 else (left, right)
    y = 0 if page.rng.random() < 0.2 and not page.panels else page.y
    height = int(page.rng.integers(200, 560))
    page.draw_photo(Box(x0, y, x1, y + height), radius=0, shade=float(page.rng.uniform(0.4, 1)))
    ink, page.ink = page.ink, (250, 250, 250)
    middle, size = y + height // 2, int(page.rng.integers(28, 64))
    page.write(left + (right - left) // 4, middle - 60, (right - left) // 2, size=size, lines=1)
    page.write(left + (right - left) // 4, middle + 10, (right - left) // 3, size=15, lines=2)
    page.ink = ink
    if page.rng.random() < 0.5:
        page.draw.rectangle((left + 60, middle + 70, left + 190, middle + 110), fill=page.accent)
    for x in (x0 + 30, x1 - 40) if page.rng.random() < 0.5 else ():
        page.draw.line((x, middle - 12, x + 10, middle, x, middle + 12), fill="white", width=4)
    for x in range((x0 + x1) // 2 - 24, (x0 + x1) // 2 + 24, 16):
        page.draw.ellipse((x, y + height - 24, x + 8, y + height - 16), fill="white")
    page.y = max(page.y, y + height)


def _mosaic(page: Page, left: int, right: int) -> None:
    """Draw a gallery of photos without space between, captions over some of them."""
    left, right = page.sides if page.rng.random() < 0.5 else (left, right)
    across, gutter = int(page.rng.integers(2, 6)), int(page.rng.choice((0, 0, 1, 2)))
    height = int((right - left) / across * page.rng.uniform(0.6, 1.0))
    for _ in range(int(page.rng.integers(1, 4))):
        for x0, x1 in spread(left, right, [1.0] * across, gutter):
            page.draw_photo(Box(x0, page.y, x1, page.y + height), radius=0)
            if page.rng.random() < 0.3:
                page.write(x0 + 8, page.y + height - 32, (x1 - x0) // 2, size=14, lines=1)
        page.y += height + gutter


# Those that pages have most often stand twice.
PHOTO_SECTIONS: tuple[Callable[[Page, int, int], None], ...] = (
    _cards,
    _cards,
    _rows,
    _hero,
    _beside,
    _rows,
    _feed,
    _banner,
    _mosaic,
)
