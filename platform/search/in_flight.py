"""How many searches a web process works on at a time: the others are told at once to come back."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from kernel.database import translate
from kernel.errors import AppError, TransientError
from metrics.definitions import SEARCH_SECONDS, SEARCHES_IN_FLIGHT
from search.counts import SEARCHES

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
        with SEARCHES_IN_FLIGHT.track_inprogress():
            yield
    finally:
        _slots.release()


class TimedSearch:
    """A search that is being timed; what it waits for is known once its form is read.

    One that leads to its address is counted there, and here only where it fails.
    """

    wait = "unread"
    leads_on = False


@contextmanager
def timed() -> Iterator[TimedSearch]:
    """Count a search, how long it took, and whether it ended well or in which error."""
    search, started, outcome = TimedSearch(), time.perf_counter(), "ok"
    try:
        yield search
    except Exception as error:
        ours = error if isinstance(error, AppError) else translate(error)
        outcome = "request:ours:failed" if ours is None else ours.code
        raise
    finally:
        if not (search.leads_on and outcome == "ok"):
            SEARCH_SECONDS.labels(search.wait, outcome).observe(time.perf_counter() - started)
            SEARCHES.add()
