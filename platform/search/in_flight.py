"""How many searches a web process works on at a time: the others are told at once to come back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from kernel.errors import TransientError

# Fewer than a process has threads: pages, pictures and the health check never wait for a search.
_slots = threading.BoundedSemaphore(settings.SEARCHES_IN_FLIGHT)


@contextmanager
def search_slot() -> Iterator[None]:
    """Hold one of the process's slots for searches.

    Raises:
        TransientError: "search:transient:busy": all are taken.
    """
    if not _slots.acquire(blocking=False):
        raise TransientError("search:transient:busy")
    try:
        yield
    finally:
        _slots.release()
