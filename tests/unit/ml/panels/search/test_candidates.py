import pytest

from ml.panels.search.candidates import PanelCandidate
from ml.types import Box

SHEET_AREA = 160_000  # a sixteenth of it is 10,000


def candidate(confidence, weakest_side=0.9, box=(0, 0, 100, 99)):
    return PanelCandidate(Box(*box), confidence, (1.0, weakest_side, 1.0, 0.95))


@pytest.mark.parametrize(
    ("one", "is_sure"),
    [
        pytest.param(candidate(0.95), True, id="small, clear and likely"),
        pytest.param(candidate(0.95, box=(0, 0, 100, 100)), False, id="a sixteenth"),
        pytest.param(candidate(0.95, weakest_side=0.89), False, id="an unclear side"),
        pytest.param(candidate(0.94), False, id="less likely"),
    ],
)
def test_one_photo_is_sure_where_it_is_small_clear_and_likely(one, is_sure):
    assert one.is_surely_one_photo(SHEET_AREA) is is_sure


def test_confidences_that_are_close_say_the_same():
    outer = candidate(0.5)

    assert [candidate(c).is_likelier_than(outer) for c in (0.54, 0.56)] == [False, True]
    assert [candidate(c).is_about_as_likely_as(outer) for c in (0.44, 0.46)] == [False, True]


def test_a_thing_lacks_a_side_in_a_likely_photo_with_clear_sides():
    thing = candidate(0.9, weakest_side=0.49)

    assert thing.is_thing_in(candidate(0.5))
    assert not candidate(0.9, weakest_side=0.5).is_thing_in(candidate(0.5))
    assert not thing.is_thing_in(candidate(0.49))
    assert not thing.is_thing_in(candidate(0.5, weakest_side=0.89))
