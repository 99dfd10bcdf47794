from itertools import count

import cv2
import numpy as np
import pytest

from ml.panels.made.comics import COMIC_STYLES, make_comic
from tests.unit.ml.panels import pictures


def photos():
    numbers = count()
    return lambda _medium: pictures.photo(next(numbers))


def filled(made):
    """Return how many panels each pixel lies well inside of."""
    painted = np.zeros(made.pixels.shape[:2], np.uint8)
    for panel in made.panels:
        inner = np.zeros_like(painted)
        cv2.fillConvexPoly(inner, np.rint(np.array(panel.corners)).astype(np.int32), 1)
        painted += cv2.erode(inner, np.ones((5, 5), np.uint8), borderType=cv2.BORDER_REPLICATE)
    return painted


@pytest.mark.parametrize("style", COMIC_STYLES)
@pytest.mark.parametrize("seed", range(3))
def test_panels_lie_on_the_page_and_apart(style, seed):
    made = make_comic(style, photos(), np.random.default_rng(seed))

    height, width = made.pixels.shape[:2]
    for panel in made.panels:
        box = panel.box
        assert 0 <= box.x0 < box.x1 <= width
        assert 0 <= box.y0 < box.y1 <= height
    assert len(made.panels) >= 2
    assert filled(made).max() == 1


@pytest.mark.parametrize("style", COMIC_STYLES)
def test_the_same_seed_makes_the_same_page(style):
    one, other = (make_comic(style, photos(), np.random.default_rng(5)) for _ in range(2))

    assert one.panels == other.panels
    assert np.array_equal(one.pixels, other.pixels)


def is_slanted(panel):
    x, y = np.array([*panel.corners, panel.corners[0]]).T
    return bool((np.minimum(np.abs(np.diff(x)), np.abs(np.diff(y))) > 1).any())


def test_only_some_styles_have_slanted_gutters():
    slanted = {
        style: sum(
            is_slanted(panel)
            for seed in range(6)
            for panel in make_comic(style, photos(), np.random.default_rng(seed)).panels
        )
        for style in COMIC_STYLES
    }

    assert {style for style, panels in slanted.items() if panels} == {"slanted", "manga"}


def test_only_some_styles_reach_the_papers_edge():
    bled = set()
    for style in COMIC_STYLES:
        for seed in range(6):
            made = make_comic(style, photos(), np.random.default_rng(seed))
            if style != "strip" and any(panel.box.x0 == 0 for panel in made.panels):
                bled.add(style)

    assert bled == {"bleeding", "manga"}


def test_a_strip_asks_for_line_drawings_and_shows_them_on_white():
    asked = []

    def picture(medium):
        asked.append(medium)
        return np.full((60, 80, 3), 255, np.uint8)

    made = make_comic("strip", picture, np.random.default_rng(2))

    assert set(asked) == {"lines"}
    assert len(asked) == len(made.panels)
    assert np.median(made.pixels) == 255
