import numpy as np
import pytest

from ml.panels.comics.gutters import Gutter, Slope, before, behind, likeliest_gutter, profile
from ml.panels.outlines import PanelOutline, outline_of
from ml.types import Box

UPRIGHT, LEVEL = Slope(is_upright=True, rise=0.0), Slope(is_upright=False, rise=0.0)
PAGE = PanelOutline.of_box(Box(0, 0, 120, 160))


def page_with(band):
    """Return (160, 120) uint8, 1 where a band of x and y says so."""
    y, x = np.mgrid[0:160, 0:120] + 0.5
    return band(x, y).astype(np.uint8)


@pytest.mark.parametrize("slope", [UPRIGHT, LEVEL], ids=["upright", "level"])
def test_a_profile_is_the_mean_of_each_line(slope):
    mask = (np.random.default_rng(1).random((160, 120)) < 0.4).astype(np.uint8)

    lines = profile(mask, PanelOutline.of_box(Box(10, 20, 90, 120)), slope)

    inside = mask[20:120, 10:90]
    assert lines.first == (10 if slope.is_upright else 20)
    expected = inside.mean(axis=0) if slope.is_upright else inside.mean(axis=1)
    assert lines.shares == pytest.approx(expected, abs=1e-6)
    assert (lines.lengths == (100 if slope.is_upright else 80)).all()


@pytest.mark.parametrize("rise", [-0.3, 0.25])
@pytest.mark.parametrize("is_upright", [True, False])
def test_a_slanted_gutter_is_one_band_of_its_slopes_profile(rise, is_upright):
    slope = Slope(is_upright, rise)

    def band(x, y):
        offset = x - rise * y if is_upright else y - rise * x
        return (offset >= 60) & (offset < 68)

    lines = profile(page_with(band), PAGE, slope)

    full = lines.first + np.flatnonzero((lines.shares > 0.7) & (lines.lengths > 30))
    assert full.min() == pytest.approx(60, abs=1.5)
    assert full.max() + 1 == pytest.approx(68, abs=1.5)


def test_only_what_lies_in_the_outline_counts():
    triangle = outline_of([(0, 0), (100, 0), (0, 100)])

    lines = profile(np.ones((160, 120), np.uint8), triangle, UPRIGHT)

    assert (lines.shares == 1).all()
    assert lines.lengths[0] == pytest.approx(100, abs=1)
    assert lines.lengths[90] == pytest.approx(10, abs=1)


def test_parts_are_what_lies_before_and_behind():
    gutter = Gutter(Slope(is_upright=True, rise=0.1), 50, 60, 1.0)

    left, right = gutter.parts(PAGE)

    assert (left, right) == (before(PAGE, gutter.slope, 50), behind(PAGE, gutter.slope, 60))
    assert left.area + right.area + 10 * 160 == pytest.approx(PAGE.area)
    assert left.box == Box(0, 0, 66, 160)


@pytest.mark.parametrize("speech_px", [0, 30], ids=["free", "crossed by speech"])
def test_the_clearest_gutter_is_found(speech_px):
    mask = page_with(lambda x, y: (x >= 70) & (x < 76) & (y >= speech_px))

    gutter = likeliest_gutter(mask, PAGE, (UPRIGHT, LEVEL), 20, lambda _: True)

    assert (gutter.slope, gutter.start, gutter.stop) == (UPRIGHT, 70, 76)
    assert gutter.clearness == pytest.approx(1 - speech_px / 160)


def test_there_is_no_gutter_in_a_band_that_stops_halfway():
    mask = page_with(lambda x, y: (x >= 70) & (x < 76) & (y < 80))

    assert likeliest_gutter(mask, PAGE, (UPRIGHT, LEVEL), 20, lambda _: True) is None


def test_a_gutter_that_leaves_no_panel_is_none():
    mask = page_with(lambda x, _: (x >= 70) & (x < 76))

    assert likeliest_gutter(mask, PAGE, (UPRIGHT,), 20, lambda part: part.box.x0 == 0) is None
