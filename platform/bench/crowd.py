"""Several people at once, in threads: they begin together, and one failure ends all."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Barrier, BrokenBarrierError, Event
from typing import TypeVar

Result = TypeVar("Result")


class Start:
    """What a person of a crowd knows of the others."""

    def __init__(self, people: int) -> None:
        """Expect so many people."""
        self._barrier = Barrier(people)
        self._ended = Event()

    @property
    def is_called_off(self) -> bool:
        """Whether somebody failed, so that going on is of no use."""
        return self._ended.is_set()

    def wait_for_all(self) -> None:
        """Return when everybody is as far, or one of them has failed."""
        try:
            self._barrier.wait()
        except BrokenBarrierError:
            return

    def call_off(self) -> None:
        """Let nobody wait, and have all see that they should end."""
        self._ended.set()
        self._barrier.abort()


def all_at_once(people: int, act: Callable[[int, Start], Result]) -> list[Result]:
    """Return what each person's act returned, in the order of their numbers from 0.

    Args:
        people: how many, ≥ 1.
        act: what each does; it looks at `Start.is_called_off` where it takes long.

    Raises:
        Exception: the first that an act raised, when all have ended.
    """
    start = Start(people)

    def one(number: int) -> Result:
        try:
            return act(number, start)
        except BaseException:
            start.call_off()
            raise

    with ThreadPoolExecutor(people) as threads:
        acts = [threads.submit(one, number) for number in range(people)]
        try:
            wait(acts)
        except BaseException:  # Ctrl-C reaches this thread alone
            start.call_off()
            raise
    return [each.result() for each in acts]
