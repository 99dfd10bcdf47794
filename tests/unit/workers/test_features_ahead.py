import threading
from uuid import UUID

import pytest

from kernel.errors import TransientError
from kernel.task_messages import StoredQuery
from ml.types import Box
from workers import features_ahead
from workers.features_ahead import FeaturesAhead

QUERY, BOX, OTHER_BOX = StoredQuery(UUID(int=1), 60, 40), Box(0, 0, 60, 40), Box(0, 0, 30, 40)


def test_a_region_is_extracted_once_however_often_it_is_asked_for() -> None:
    asked, may_go_on = [], threading.Event()

    def extract(query, box):
        asked.append(box)
        may_go_on.wait(5)
        return box

    ahead = FeaturesAhead(extract)
    running = [ahead.begin(QUERY, BOX) for _ in range(3)]
    may_go_on.set()

    assert [future.result(5) for future in running] == [BOX] * 3
    assert ahead.begin(QUERY, BOX).result(5) == BOX
    assert ahead.begin(QUERY, OTHER_BOX).result(5) == OTHER_BOX
    assert asked == [BOX, OTHER_BOX]


def test_regions_in_turn_let_those_of_others_come_in_between() -> None:
    begun, may_go_on = [], threading.Event()

    def extract(query, box):
        begun.append(box.x1)
        may_go_on.wait(5)
        return box

    ahead = FeaturesAhead(extract)
    boxes = [Box(0, 0, x1, 9) for x1 in range(1, 10)]
    ahead.begin_in_turn(QUERY, boxes)
    other = ahead.begin(QUERY, Box(0, 0, 50, 9))
    may_go_on.set()

    assert other.result(5).x1 == 50
    assert all(ahead.begin(QUERY, box).result(5) == box for box in boxes)
    assert begun.index(50) <= 3  # after the two that had begun; the other thread may be as fast
    assert sorted(begun) == [*range(1, 10), 50]


def test_what_failed_is_tried_again() -> None:
    errors = [TransientError("storage:transient:unavailable")]

    def extract(query, box):
        if errors:
            raise errors.pop()
        return box

    ahead = FeaturesAhead(extract)

    with pytest.raises(TransientError):
        ahead.begin(QUERY, BOX).result(5)
    assert ahead.begin(QUERY, BOX).result(5) == BOX


def test_the_longest_unused_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features_ahead, "_KEPT", 2)
    asked = []

    def extract(query, box):
        asked.append(box.x1)
        return box

    ahead = FeaturesAhead(extract)
    for x1 in (1, 2, 1, 3, 1, 2):
        ahead.begin(QUERY, Box(0, 0, x1, 9)).result(5)

    assert asked == [1, 2, 3, 2]
