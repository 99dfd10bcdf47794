import pytest

from ml.panels.measurement.work_copy import make_work_copy
from ml.panels.search.candidates import PanelCandidate
from ml.panels.search.nesting import replace_box_around_them, replace_canvas_under_them
from ml.types import Box
from tests.unit.ml.panels import pictures

OUTER, INNER = Box(40, 40, 440, 300), Box(60, 60, 420, 280)
PAGE = make_work_copy(pictures.collage([(60, 60, 420, 280)], (480, 340)))


def outer(confidence, side=0.95):
    return PanelCandidate(OUTER, confidence, (side,) * 4)


def inner(confidence, side=0.5, box=INNER):
    return PanelCandidate(box, confidence, (side,) * 4)


def both_ways(box, *panels, work_copy=PAGE):
    """Return what replaces a box: panels on its canvas, panels between its cuts."""
    return (
        replace_canvas_under_them(work_copy, box, panels),
        replace_box_around_them(work_copy, box, panels),
    )


@pytest.mark.parametrize(
    ("confidence", "expected"),
    [
        pytest.param(0.56, (True, True), id="likelier"),
        pytest.param(0.5, (False, True), id="as likely"),
        pytest.param(0.44, (False, False), id="less likely"),
    ],
)
def test_one_panel_needs_more_confidence_on_a_canvas_than_between_cuts(confidence, expected):
    assert both_ways(outer(0.5), inner(confidence)) == expected


def test_several_panels_replace_the_box_however_likely_it_is():
    assert both_ways(outer(1.0), inner(0.5), inner(0.5)) == (True, True)


def test_no_panel_replaces_nothing():
    assert both_ways(outer(0.1)) == (False, False)


def test_a_thing_in_a_clear_photo_does_not_replace_it():
    assert both_ways(outer(0.6), inner(0.9, side=0.49)) == (False, False)
    assert both_ways(outer(0.6, side=0.89), inner(0.9, side=0.49)) == (True, True)


def test_a_photo_with_clear_sides_and_a_rim_all_around_lies_on_a_card():
    assert both_ways(outer(0.9), inner(0.5, side=0.9)) == (True, True)
    assert both_ways(outer(0.9), inner(0.5, side=0.89)) == (False, False)


def test_a_photo_with_clear_sides_and_text_below_it_lies_on_a_card():
    card = PanelCandidate(Box(40, 40, 440, 420), 0.9, (0.95,) * 4)
    photo = inner(0.5, side=0.9, box=Box(40, 40, 440, 240))
    pixels = pictures.collage([(40, 40, 440, 240)], (480, 460))
    without_text = make_work_copy(pixels.copy())
    for y in range(270, 420, 24):
        pictures.write(pixels, "the boats returned under light", (50, y))

    assert both_ways(card, photo, work_copy=without_text) == (False, False)
    assert both_ways(card, photo, work_copy=make_work_copy(pixels)) == (True, True)
