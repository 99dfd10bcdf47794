import numpy as np

from ml.panels.measurement.cuts import FEATURES, Cuts
from ml.panels.measurement.work_copy import make_work_copy
from ml.panels.search.strips import have_gutters, strips_beside, strips_between_cuts
from ml.types import Box
from tests.unit.ml.panels import pictures

REGION = Box(0, 0, 400, 200)
PIXELS = pictures.collage([(0, 0, 190, 200), (210, 0, 400, 200)], (400, 200))
PIXELS[:, 170:190] = np.random.default_rng(0).integers(0, 256, (200, 20, 3))  # rich in steps
SHEET = make_work_copy(PIXELS)


def cuts_at(*positions):
    features = np.zeros((len(positions), len(FEATURES)), np.float32)
    return Cuts(is_upright=True, positions=np.array(positions), features=features)


def strips_of(positions, probabilities):
    return strips_between_cuts(
        SHEET, REGION, cuts_at(*positions), np.array(probabilities, np.float32)
    )


def test_an_empty_narrow_strip_is_a_gutter():
    strips = strips_of([190, 210], [0.9, 0.9])

    assert strips == [Box(0, 0, 190, 200), Box(210, 0, 400, 200)]
    assert have_gutters(strips)


def test_a_narrow_strip_that_shows_something_undoes_its_less_likely_cut():
    strips = strips_of([170, 190, 210], [0.6, 0.9, 0.9])

    assert strips == [Box(0, 0, 190, 200), Box(210, 0, 400, 200)]


def test_unlikely_cuts_leave_no_strips():
    assert strips_of([190, 210], [0.49, 0.49]) == []


def test_strips_that_touch_have_no_gutters():
    strips = strips_of([200], [0.9])

    assert strips == [Box(0, 0, 200, 200), Box(200, 0, 400, 200)]
    assert not have_gutters(strips)


def test_strips_beside_boxes_go_from_side_to_side():
    boxes = [Box(100, 0, 160, 80), Box(150, 90, 220, 200)]

    assert strips_beside(SHEET, REGION, boxes) == [Box(0, 0, 100, 200), Box(220, 0, 400, 200)]


def test_level_strips_are_taken_where_there_are_no_upright_ones():
    boxes = [Box(0, 100, 400, 120)]

    assert strips_beside(SHEET, REGION, boxes) == [Box(0, 0, 400, 100), Box(0, 120, 400, 200)]
