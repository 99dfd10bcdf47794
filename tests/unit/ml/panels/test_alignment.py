import pytest

from ml.panels.alignment import align_panels
from ml.panels.measurement.work_copy import make_work_copy
from ml.panels.search.candidates import PanelCandidate
from ml.types import Box
from tests.unit.ml.panels import pictures

CLEAR, HIDDEN = 0.85, 0.1


def candidate(box, *sides):
    return PanelCandidate(Box(*box), 0.9, sides or (1.0, 1.0, 1.0, 1.0))


# Three cells of a grid of two by two; nothing lies in the fourth.
BOXES, SIZE = pictures.grid(2, 2, (400, 320), gutter=20, margin=20)
SHEET = make_work_copy(pictures.collage(BOXES[:3], SIZE))
PANELS = [candidate(box) for box in BOXES[:3]]
FOURTH = BOXES[3]


@pytest.mark.parametrize(
    "rejected",
    [
        pytest.param(candidate(FOURTH, CLEAR, CLEAR, CLEAR, CLEAR), id="each side is seen"),
        pytest.param(candidate((480, 400, 820, 640), *[HIDDEN] * 4), id="each side is known"),
        pytest.param(
            candidate((440, 380, 840, 680), CLEAR, HIDDEN, CLEAR, CLEAR), id="some of each"
        ),
    ],
)
def test_what_looks_like_no_photo_is_a_panel_where_its_sides_are_known(rejected):
    *others, added = align_panels(SHEET, PANELS, [rejected])

    assert [each.box for each in others] == [each.box for each in PANELS]
    assert added.box == Box(*FOURTH)


def test_a_slip_beside_panels_is_none():
    x0, y0, _, y1 = FOURTH

    assert align_panels(SHEET, PANELS, [candidate((x0, y0, x0 + 80, y1))]) == PANELS
