from itertools import pairwise

import numpy as np
import pytest

from ml.panels.outlines import PanelOutline, outline_iou, outline_of, shared_outline_area
from ml.types import Box

SQUARE = PanelOutline.of_box(Box(0, 0, 10, 10))
SLANTED = outline_of([(2, 0), (9, 0), (6, 10), (0, 10)])


def pixels_in(outline):
    """Return which of 200 by 200 points on 10 by 10 lie in an outline, side by side."""
    y, x = (np.mgrid[0:200, 0:200] + 0.5) / 20
    inside = np.ones_like(x, bool)
    corners = (*outline.corners, outline.corners[0])
    for (x0, y0), (x1, y1) in pairwise(corners):
        inside &= (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) >= 0
    return inside


def test_the_area_of_an_outline_is_that_of_the_points_in_it():
    assert SQUARE.area == 100
    assert pytest.approx(pixels_in(SLANTED).mean() * 100, abs=0.2) == SLANTED.area


def test_what_two_outlines_share_is_what_the_points_in_both_are():
    other = outline_of([(0, 3), (10, 1), (10, 6), (0, 9)])

    both = (pixels_in(SLANTED) & pixels_in(other)).mean() * 100
    either = (pixels_in(SLANTED) | pixels_in(other)).mean() * 100

    assert shared_outline_area(SLANTED, other) == pytest.approx(both, abs=0.3)
    assert outline_iou(SLANTED, other) == pytest.approx(both / either, abs=0.005)
    assert outline_iou(other, SLANTED) == pytest.approx(outline_iou(SLANTED, other))


@pytest.mark.parametrize("other", [Box(10, 0, 20, 10), Box(30, 30, 40, 40)], ids=["beside", "far"])
def test_outlines_apart_share_nothing(other):
    assert outline_iou(SQUARE, PanelOutline.of_box(other)) == 0


def test_a_cut_leaves_two_parts_that_make_up_the_whole():
    left, right = SQUARE.cut(1, 0.5, 6), SQUARE.cut(-1, -0.5, -6)

    assert left.area + right.area == pytest.approx(100)
    assert left.corners == ((0, 0), (6, 0), (1, 10), (0, 10))
    assert right.box == Box(1, 0, 10, 10)


def test_nothing_is_left_beyond_a_side():
    nothing = SQUARE.cut(1, 0, -1)

    assert nothing == PanelOutline(())
    assert (nothing.area, nothing.cut(1, 0, 5)) == (0, nothing)
    assert outline_iou(SQUARE, nothing) == outline_iou(nothing, SQUARE) == 0


def test_corners_are_turned_clockwise():
    assert outline_of([(0, 10), (10, 10), (10, 0), (0, 0)]).area == 100


@pytest.mark.parametrize(
    "corners",
    [
        [(0, 0), (1, 1)],
        [(0, 0), (5, 5), (9, 9)],
        [(0, 0), (10, 0), (4, 4), (0, 10)],
        [(0, 0), (10, 10), (10, 0), (0, 10)],
    ],
    ids=["two", "on a line", "dented", "crossed"],
)
def test_what_is_no_convex_polygon_is_refused(corners):
    with pytest.raises(ValueError, match="no convex polygon"):
        outline_of(corners)


def test_an_outline_grows_with_the_picture():
    assert SLANTED.scaled(2, 3).area == pytest.approx(6 * SLANTED.area)
