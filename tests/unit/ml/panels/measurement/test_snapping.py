import pytest

from ml.panels.measurement.snapping import SnappedBox, snap
from ml.panels.measurement.work_copy import make_work_copy
from ml.types import Box
from tests.unit.ml.panels import pictures

PHOTO = (80, 60, 240, 180)
SHEET = make_work_copy(pictures.collage([PHOTO], (320, 240)))


@pytest.mark.parametrize("off", [-4, -1, 0, 3])
def test_sides_move_to_the_edges_beside_them(off):
    box = Box(*(end + off for end in PHOTO))

    snapped = snap(SHEET, box, SHEET.bounds)

    assert snapped.box == Box(*PHOTO)
    assert min(snapped.side_shares) > 0.9
    assert snapped.has_clear_own_sides


def test_sides_near_the_rim_of_the_work_copy_lie_on_it():
    snapped = snap(SHEET, Box(2, 1, 240, 180), SHEET.bounds)

    assert snapped.box == Box(0, 0, 240, 180)
    assert snapped.sides[:2] == (None, None)
    assert (snapped.sides_on_rim, snapped.side_shares[:2]) == (2, (1.0, 1.0))


def test_sides_of_the_region_around_are_not_its_own():
    box = Box(*PHOTO)

    assert snap(SHEET, box, box).weakest_own_side == 1.0
    assert snap(SHEET, Box(80, 60, 200, 180), box).weakest_own_side < 0.5


def test_own_sides_need_some_edge_on_a_canvas_and_more_to_be_clear():
    shares = (0.11, 0.12, 0.89, 0.9)
    boxes = [SnappedBox(Box(*PHOTO), (None, None, None, each), each) for each in shares]

    assert [each.has_own_sides for each in boxes] == [False, True, True, True]
    assert [each.has_clear_own_sides for each in boxes] == [False, False, False, True]
