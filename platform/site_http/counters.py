"""Counts that all web processes share: in the broker's memory, or each its own where that is away.

They are of minutes: a broker that forgets them lets somebody ask a little more, once.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Protocol, TypeVar

import redis
from django.conf import settings
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

T = TypeVar("T")

# A count takes a tenth of a millisecond; nobody waits long for one.
_TIMEOUT_S: Final = 0.25
# After a failure the broker is left alone for so long.
_PAUSE_S: Final = 10.0
_PREFIX: Final = "semblance:limit:"
# Counts that a process keeps before it looks which are over.
_MAX_OWN: Final = 20_000


@dataclass(frozen=True, slots=True)
class Share:
    """What became of asking for some of an allowance.

    Attributes:
        is_given: whether it was there to give; else nothing was counted.
        left: of the allowance.
        wait_s: until it is there; 0 where it was given.
    """

    is_given: bool
    left: int
    wait_s: float


class Counters(Protocol):
    """Counts by key: how much in a window of time, and how many at once."""

    def take(self, key: str, amount: int, *, limit: int, window_s: int) -> Share:
        """Count what fits into `limit` for the last `window_s`, roughly; or nothing of it.

        What alone is more than the limit fits where nothing was counted before it.
        """
        ...

    def enter(self, key: str, ticket: str, *, limit: int, lease_s: float) -> bool:
        """Count `ticket` among those at once, until it leaves or its lease is over; False: full."""
        ...

    def leave(self, key: str, ticket: str) -> None:
        """Count `ticket` no more."""
        ...


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of a key.

    The window before counts for the part of it that lies within a window's length from now: as if
    what it counted had come evenly.

    Attributes:
        before: in the window before.
        now: in the present one.
        part: of the present one that is over, 0..1.
        window_s: how long they are.
    """

    before: int
    now: int
    part: float
    window_s: int

    def share(self, amount: int, limit: int) -> Share:
        """Return whether an amount fits into what any window may have."""
        counted = self.before * (1 - self.part) + self.now
        if counted + amount <= limit or counted == 0:
            return Share(is_given=True, left=max(0, int(limit - counted - amount)), wait_s=0.0)
        room = max(0, limit - amount)
        if self.now <= room:  # the window before has to be left behind a little further
            windows = 1 - (room - self.now) / self.before - self.part
        else:  # and the present one, too
            windows = (1 - self.part) + (1 - room / self.now)
        wait_s = max(0.0, windows * self.window_s)
        return Share(is_given=False, left=max(0, int(limit - counted)), wait_s=wait_s)


class OwnCounters:
    """Counts of this process alone."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, int], tuple[float, int]] = {}
        self._tickets: defaultdict[str, dict[str, float]] = defaultdict(dict)

    def take(self, key: str, amount: int, *, limit: int, window_s: int) -> Share:
        """Count, as `Counters` has it."""
        at = self._clock()
        window, part = int(at // window_s), (at % window_s) / window_s
        with self._lock:
            _, before = self._counts.get((key, window - 1), (0.0, 0))
            _, now = self._counts.get((key, window), (0.0, 0))
            found = Counted(before, now, part, window_s).share(amount, limit)
            if found.is_given:
                self._counts[key, window] = (at + 2 * window_s, now + amount)
                self._forget(at)
            return found

    def enter(self, key: str, ticket: str, *, limit: int, lease_s: float) -> bool:
        """Count, as `Counters` has it."""
        at = self._clock()
        with self._lock:
            inside = {each: end for each, end in self._tickets[key].items() if end > at}
            has_room = len(inside) < limit
            if has_room:
                inside[ticket] = at + lease_s
            self._tickets[key] = inside
            return has_room

    def leave(self, key: str, ticket: str) -> None:
        """Count no more, as `Counters` has it."""
        with self._lock:
            self._tickets[key].pop(ticket, None)
            if not self._tickets[key]:
                del self._tickets[key]

    def _forget(self, at: float) -> None:
        if len(self._counts) > _MAX_OWN:
            self._counts = {key: each for key, each in self._counts.items() if each[0] > at}


class BrokerCounters:
    """Counts in Valkey or Redis. Raises RedisError where it is away."""

    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        # Celery's name for a socket's address is not the library's.
        self._redis: Any = redis.Redis.from_url(
            url.replace("redis+socket://", "unix://", 1),
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
        )

    def take(self, key: str, amount: int, *, limit: int, window_s: int) -> Share:
        """Count, as `Counters` has it."""
        at = self._clock()
        window, part = int(at // window_s), (at % window_s) / window_s
        name = f"{_PREFIX}{key}:{window}"
        with self._redis.pipeline() as asked:
            asked.get(f"{_PREFIX}{key}:{window - 1}").incrby(name, amount).expire(
                name, 2 * window_s
            )
            before, after, _ = asked.execute()
        counted = Counted(int(before or 0), after - amount, part, window_s)
        found = counted.share(amount, limit)
        if not found.is_given:
            self._redis.decrby(name, amount)
        return found

    def enter(self, key: str, ticket: str, *, limit: int, lease_s: float) -> bool:
        """Count, as `Counters` has it."""
        name, at = f"{_PREFIX}{key}:now", self._clock()
        with self._redis.pipeline() as asked:
            asked.zremrangebyscore(name, "-inf", at).zadd(name, {ticket: at + lease_s})
            asked.zcard(name).expire(name, int(lease_s) + 1)
            _, _, inside, _ = asked.execute()
        if inside > limit:
            self._redis.zrem(name, ticket)
        return bool(inside <= limit)

    def leave(self, key: str, ticket: str) -> None:
        """Count no more, as `Counters` has it."""
        self._redis.zrem(f"{_PREFIX}{key}:now", ticket)


class PatientCounters:
    """The broker's counts; while it is away, this process's own: limits never stop the site."""

    def __init__(self, shared: Counters, own: Counters) -> None:
        self._shared, self._own = shared, own
        self._away_until = 0.0

    def take(self, key: str, amount: int, *, limit: int, window_s: int) -> Share:
        """Count, as `Counters` has it."""
        return self._ask(lambda each: each.take(key, amount, limit=limit, window_s=window_s))

    def enter(self, key: str, ticket: str, *, limit: int, lease_s: float) -> bool:
        """Count, as `Counters` has it."""
        return self._ask(lambda each: each.enter(key, ticket, limit=limit, lease_s=lease_s))

    def leave(self, key: str, ticket: str) -> None:
        """Count no more, wherever it was counted."""
        self._own.leave(key, ticket)
        self._ask(lambda each: each.leave(key, ticket))

    def _ask(self, question: Callable[[Counters], T]) -> T:
        if time.monotonic() >= self._away_until:
            try:
                return question(self._shared)
            except RedisError as error:
                self._away_until = time.monotonic() + _PAUSE_S
                logger.warning("limits are each process's own", extra={"reason": str(error)})
        return question(self._own)


def counters() -> Counters:
    """Return the counts of this site."""
    return _counters_at(settings.CELERY_BROKER_URL)


@cache
def _counters_at(url: str) -> Counters:
    if not url.startswith(("redis", "unix")):  # of tests, in memory
        return OwnCounters()
    return PatientCounters(BrokerCounters(url), OwnCounters())
