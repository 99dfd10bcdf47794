import threading
from collections.abc import Iterator

import pytest

from ml.images.ahead import ahead


def test_all_items_come_in_their_order():
    assert list(ahead(range(5))) == [0, 1, 2, 3, 4]
    assert list(ahead([])) == []


def test_the_next_item_is_made_while_the_caller_works():
    begun = [threading.Event() for _ in range(3)]

    def items() -> Iterator[int]:
        for number, event in enumerate(begun):
            event.set()
            yield number

    for item in ahead(items()):
        if item + 1 < len(begun):
            assert begun[item + 1].wait(30)
        if item + 2 < len(begun):  # no more than one is made ahead
            assert not begun[item + 2].is_set()


def test_an_error_comes_after_the_items_before_it():
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("damaged")

    made = ahead(items())

    assert next(made) == 1
    with pytest.raises(ValueError, match="damaged"):
        next(made)
