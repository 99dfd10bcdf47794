"""Pictures that somebody names by their address: fetched for them, within bounds.

Whoever may search may have the site fetch, so it must not be what others are flooded with: a few at
a time, so many a minute, and of one site fewer. Nothing is fetched for a link that is followed,
only for a form that is sent (POST with its token).
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote

from django.conf import settings

from ingestion import fetching
from kernel.errors import LimitReached, TransientError, UserInputError

_MINUTE_S = 60.0
# Of one site that share of all may be fetched.
_SITES_SHARE = 5
_MAX_URL_CHARS = 2_000
_MAX_NAME_CHARS = 200

# Of each web process. A site may lead on to others, so all are counted, too.
_slots = threading.BoundedSemaphore(max(1, settings.SEARCH_FETCHES_IN_FLIGHT))


@dataclass(frozen=True, slots=True)
class FetchedPicture:
    """What lies at an address; it is named by the address's last part."""

    name: str
    data: bytes


class RecentFetches:
    """What was fetched in the last minute, by the site that was asked first."""

    def __init__(self) -> None:
        self._fetches: deque[tuple[float, str]] = deque()
        self._lock = threading.Lock()

    def add(self, site: str, *, now_s: float, most: int) -> None:
        """Count one more, at a moment as `time.monotonic` says it, of so many at most.

        Raises:
            LimitReached: "fetch:transient:too-many".
        """
        with self._lock:
            while self._fetches and self._fetches[0][0] <= now_s - _MINUTE_S:
                self._fetches.popleft()
            all_s = [at_s for at_s, _ in self._fetches]
            own_s = [at_s for at_s, other in self._fetches if other == site]
            for moments, limit in ((all_s, most), (own_s, max(1, most // _SITES_SHARE))):
                if len(moments) >= limit:
                    left_s = moments[0] + _MINUTE_S - now_s
                    raise LimitReached("fetch:transient:too-many", retry_after_s=left_s)
            self._fetches.append((now_s, site))


_recent = RecentFetches()


def fetch_picture(url: str) -> FetchedPicture:
    """Return what is at an address. Hold no slot for searches meanwhile: it may take its time.

    Raises:
        UserInputError: "fetch:user:off", and what `ingestion.fetching.fetch` raises.
        TransientError: "search:transient:busy" or "fetch:transient:too-many".
    """
    if not settings.SEARCH_FETCHES_IN_FLIGHT:
        raise UserInputError("fetch:user:off")
    url = url.strip()
    if len(url) > _MAX_URL_CHARS:
        raise UserInputError("fetch:user:not-http")
    address = fetching.parse_address(url)
    with _slot():
        most = settings.SEARCH_FETCHES_PER_MINUTE
        _recent.add(address.host, now_s=time.monotonic(), most=most)
        timeout_s = min(settings.FETCH_TIMEOUT_S, settings.SEARCH_TIMEOUT_S)
        data = fetching.fetch(url, timeout_s=timeout_s)
    name = unquote(address.path.rpartition("/")[2])
    return FetchedPicture(name[-_MAX_NAME_CHARS:] or address.host, data)


@contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(blocking=False):
        raise TransientError("search:transient:busy")
    try:
        yield
    finally:
        _slots.release()
