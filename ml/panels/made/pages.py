"""Made pages, as a browser shows them, whose photos are known."""

import numpy as np

from ml.panels.made.collages import Made, Photos, compressed
from ml.panels.made.page import Page
from ml.panels.made.photo_sections import PHOTO_SECTIONS
from ml.panels.made.plain_sections import PLAIN_SECTIONS

_ON_COLOUR = 0.12  # of sections


def make_page(photos: Photos, rng: np.random.Generator, *, has_photos: bool = True) -> Made:
    """Return a page as a browser shows it: header, text, cards, icons, buttons, and photos or none.

    Args:
        photos: see `make_collage`; avatars and icons of text pages are made of them, too.
        rng: decides everything else.
        has_photos: whether there are photos that count.
    """
    page = Page(photos, rng)
    page.draw_header()
    while page.y < page.height:
        _draw_section(page, has_photos=has_photos)
    pixels = np.asarray(page.image).copy()
    if rng.random() < 0.25:
        pixels = compressed(pixels, rng)
    return Made(pixels, tuple(page.panels), tuple(page.shown), tuple(page.shares))


def _draw_section(page: Page, *, has_photos: bool) -> None:
    """Draw one part of the page and move below it."""
    kinds = PLAIN_SECTIONS + (PHOTO_SECTIONS if has_photos else ())
    if page.rng.random() < _ON_COLOUR:
        page.change_ground()
    draw_section = kinds[page.rng.integers(len(kinds))]
    inset = int((page.sides[1] - page.sides[0]) * page.rng.choice((0.03, 0.08, 0.2)))
    draw_section(page, page.sides[0] + inset, page.sides[1] - inset)
    page.y += int(page.rng.integers(12, 50))
