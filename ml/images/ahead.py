"""Preparing the next pictures while a device works on these."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_END = object()


def ahead(items: Iterable[T]) -> Iterator[T]:
    """Yield the items, each made in a thread while the caller works on the one before it.

    An error in making an item is raised where that item would have come.
    """
    made = iter(items)
    with ThreadPoolExecutor(max_workers=1) as thread:
        coming = thread.submit(next, made, _END)
        while True:
            item = coming.result()
            if item is _END:
                return
            coming = thread.submit(next, made, _END)
            yield item  # type: ignore[misc]  # the end is none of the items
