from threading import Event

import pytest

from bench.crowd import Start, all_at_once


def test_everybody_begins_together() -> None:
    arrived: list[int] = []
    seen: list[int] = []

    def act(number: int, start: Start) -> int:
        arrived.append(number)
        start.wait_for_all()
        seen.append(len(arrived))
        return number * number

    assert all_at_once(5, act) == [0, 1, 4, 9, 16]
    assert seen == [5] * 5


def test_one_failure_ends_all_and_is_what_is_raised() -> None:
    has_failed = Event()

    def act(number: int, start: Start) -> None:
        if number == 3:
            has_failed.set()
            raise ValueError("the third")
        has_failed.wait(10)
        start.wait_for_all()  # for ever, if nobody called it off
        assert start.is_called_off

    with pytest.raises(ValueError, match="the third"):
        all_at_once(4, act)


def test_a_failure_after_the_start_is_seen_by_the_others() -> None:
    def act(number: int, start: Start) -> None:
        start.wait_for_all()
        if number == 1:
            raise ValueError("mine")
        while not start.is_called_off:
            pass

    with pytest.raises(ValueError, match="mine"):
        all_at_once(2, act)
