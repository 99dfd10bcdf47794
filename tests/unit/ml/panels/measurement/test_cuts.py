import numpy as np
import pytest

from ml.panels.measurement.cuts import FEATURES, find_cuts
from ml.panels.measurement.work_copy import make_work_copy
from ml.types import Box
from tests.unit.ml.panels import pictures

SIDE = 150  # of a picture's strips: less than what is thinned out


def two_photos(gutter, *, is_upright):
    """Two photos side by side, or one above the other, black between them."""
    pixels = pictures.collage([(0, 0, 120, SIDE), (120 + gutter, 0, 260, SIDE)], (260, SIDE))
    pixels[:, 120 : 120 + gutter] = 0
    return pixels if is_upright else np.ascontiguousarray(pixels.transpose(1, 0, 2))


def features_at(position, pixels, *, is_upright):
    """Return the features of the cut nearest to a position, by name, and the cut's position."""
    work_copy = make_work_copy(pixels)
    cuts = find_cuts(work_copy, work_copy.bounds, is_upright=is_upright)
    nearest = int(np.abs(cuts.positions - position).argmin())
    return dict(zip(FEATURES, cuts.features[nearest], strict=True)), int(cuts.positions[nearest])


def naive(pixels, gradient, position):
    """Return some features of an upright cut, one pixel after another."""
    rows = range(len(pixels))
    strips = [
        np.array([[np.mean(pixels[y, x : x + 3, c]) for c in range(3)] for y in rows])
        for x in (position - 5, position + 2)
    ]
    centred = [strip - strip.mean(axis=0) for strip in strips]
    lengths = [np.sqrt((each**2).sum()) for each in centred]
    before = np.mean([gradient[y, x] for y in rows for x in range(position - 12, position - 2)])
    behind = np.mean([gradient[y, x] for y in rows for x in range(position + 2, position + 12)])
    lines = [
        max(np.std([float(pixels[y, x, c]) for y in rows]) for c in range(3))
        for x in range(position - 2, position + 2)
    ]
    return {
        "colour apart": np.abs(strips[0].mean(axis=0) - strips[1].mean(axis=0)).max(),
        "likeness": (centred[0] * centred[1]).sum() / (lengths[0] * lengths[1]),
        "calmer strip": min(strip.std(axis=0).max() for strip in strips),
        "livelier strip": max(strip.std(axis=0).max() for strip in strips),
        "texture ratio": (min(before, behind) + 1) / (max(before, behind) + 1),
        "line": min(lines),
    }


@pytest.mark.parametrize("is_upright", [True, False], ids=["upright", "level"])
@pytest.mark.parametrize("gutter", [0, 2])
def test_features_are_those_of_a_pixel_by_pixel_count(gutter, is_upright):
    pixels = two_photos(gutter, is_upright=is_upright)
    work_copy = make_work_copy(pixels)

    found, position = features_at(120, pixels, is_upright=is_upright)

    turned = (1, 0, 2) if not is_upright else (0, 1, 2)
    gradient = work_copy.gradient if is_upright else work_copy.gradient.T
    expected = naive(pixels.transpose(turned), gradient, position)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_a_narrow_gutter_is_an_even_line():
    with_gutter, _ = features_at(121, two_photos(2, is_upright=True), is_upright=True)
    without, _ = features_at(120, two_photos(0, is_upright=True), is_upright=True)

    assert with_gutter["line"] == 0.0
    assert without["line"] > 10.0


def test_both_sides_of_a_wide_gutter_know_how_wide_it_is():
    pixels = two_photos(14, is_upright=True)

    assert [features_at(x, pixels, is_upright=True)[0]["gutter"] for x in (120, 134)] == [14, 14]


def test_a_region_without_an_edge_has_no_cuts():
    work_copy = make_work_copy(pictures.photo(3, 200, 200))

    cuts = find_cuts(work_copy, Box(20, 20, 180, 180), is_upright=True)

    assert (len(cuts.positions), cuts.features.shape) == (0, (0, len(FEATURES)))
