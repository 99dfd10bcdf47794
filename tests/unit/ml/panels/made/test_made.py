from itertools import count

import numpy as np
import pytest

from ml.panels.made.collages import MIN_PANEL_PX, STYLES, make_collage
from ml.panels.made.pages import make_page
from tests.unit.ml.panels import pictures


def photos():
    numbers = count()
    return lambda: pictures.photo(next(numbers))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", range(3))
def test_panels_of_a_made_collage_lie_inside_and_apart(style, seed):
    made = make_collage(style, photos(), np.random.default_rng(seed))

    painted = np.zeros(made.pixels.shape[:2], int)
    for box in made.panels:
        assert 0 <= box.x0 < box.x1 <= painted.shape[1]
        assert 0 <= box.y0 < box.y1 <= painted.shape[0]
        painted[box.y0 : box.y1, box.x0 : box.x1] += 1
    assert len(made.panels) >= 1
    assert painted.max() == 1


@pytest.mark.parametrize("seed", range(4))
def test_photos_of_a_made_page_are_large_enough_and_inside(seed):
    made = make_page(photos(), np.random.default_rng(seed))

    height, width = made.pixels.shape[:2]
    for box in made.panels:
        assert min(box.width, box.height) >= MIN_PANEL_PX
        assert 0 <= box.x0 < box.x1 <= width
        assert 0 <= box.y0 < box.y1 <= height


@pytest.mark.parametrize("kind", [*STYLES, "page"])
def test_each_panel_says_which_photo_it_shows(kind):
    colours = np.random.default_rng(1).integers(0, 256, (400, 3), dtype=np.uint8)
    panels = 0
    for seed in range(4):
        rng, asked = np.random.default_rng(seed), iter(colours)

        def photo(asked=asked):
            return np.broadcast_to(next(asked), (60, 80, 3)).copy()

        made = make_page(photo, rng) if kind == "page" else make_collage(kind, photo, rng)

        for box, number in zip(made.panels, made.shown, strict=True):
            shown = np.median(made.pixels[box.y0 : box.y1, box.x0 : box.x1], axis=(0, 1))
            assert np.abs(shown - colours[number]).max() <= 12  # of JPEG
        panels += len(made.panels)
    assert panels >= 4


def test_a_photo_that_is_cut_to_a_panel_shows_that_share():
    photo = np.zeros((100, 200, 3), np.uint8)

    made = make_collage("grid", lambda: photo, np.random.default_rng(3))

    for box, share in zip(made.panels, made.shares, strict=True):
        aspect = box.width / box.height
        assert share == pytest.approx(min(aspect / 2, 2 / aspect), abs=0.02)


def test_a_made_page_may_be_without_photos():
    assert make_page(photos(), np.random.default_rng(0), has_photos=False).panels == ()
