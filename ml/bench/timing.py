"""How long work takes, and the table that says it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ml.evaluation.tables import aligned

_MS = 1000.0
_HEADER = ["", "cases", "median ms", "p95 ms", "worst ms", "limit", "the worst"]

Clock = Callable[[], float]
Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Times:
    """How long one kind of work took, case by case.

    Attributes:
        name: what was done.
        cases: N ≥ 1 of them, as a person knows them.
        ms: N: the shortest of the rounds, as whatever else the machine does only adds.
        max_ms: what it may take; None without a limit.
    """

    name: str
    cases: tuple[str, ...]
    ms: tuple[float, ...]
    max_ms: float | None

    @property
    def is_kept(self) -> bool:
        """Whether no case took longer than it may."""
        return self.max_ms is None or max(self.ms) <= self.max_ms

    def cells(self) -> list[str]:
        """Return a row of the table; see `_HEADER`."""
        median, high = np.percentile(self.ms, [50, 95])
        worst = int(np.argmax(self.ms))
        limit = "–" if self.max_ms is None else f"{self.max_ms:.0f}"
        figures = [f"{each:.1f}" for each in (median, high, self.ms[worst])]
        return [self.name, str(len(self.ms)), *figures, limit, self.cases[worst]]


def table(times: Sequence[Times]) -> str:
    """Return the times as lines for a terminal."""
    return "\n".join(aligned([_HEADER, *(each.cells() for each in times)])) + "\n"


def seconds_in_turns(
    *works: Work, rounds: int, clock: Clock = time.perf_counter
) -> list[list[float]]:
    """Return what each pass of each work took, in seconds; each round runs every work once.

    Args:
        works: what is timed. In turns, so that what the machine does besides slows all of them.
        rounds: how often each is timed, ≥ 1.
        clock: seconds, of which only differences matter.

    Returns:
        A list of `rounds` times for each work, in the order of the works.
    """
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, seconds in zip(works, taken, strict=True):
            started = clock()
            work()
            seconds.append(clock() - started)
    return taken


def shortest_ms(work: Work, *, rounds: int, clock: Clock = time.perf_counter) -> float:
    """Return what the quickest of `rounds` passes took, in milliseconds."""
    (seconds,) = seconds_in_turns(work, rounds=rounds, clock=clock)
    return _MS * min(seconds)
