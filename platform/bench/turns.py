"""Two builds measured in turns, A B A B …, and what their figures are to each other.

A machine that others share is faster at one time than at another. Both sides of a turn meet nearly
the same machine, so a turn's ratio is worth more than its figures, and the spread of the turns'
ratios says how much.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

Side = TypeVar("Side")
Figures = TypeVar("Figures")


@dataclass(frozen=True, slots=True)
class Spread:
    """Values of several turns: their median, and how far they lie apart."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of at least one value."""
        return cls(median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.lowest:.2f} to {self.highest:.2f})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of two builds.

    Attributes:
        first: the first one's median over the turns.
        second: the second one's.
        ratio: first to second, turn by turn.
    """

    first: float
    second: float
    ratio: Spread


def in_turns(
    first: Side, second: Side, work: Callable[[Side, int], Figures], *, turns: int
) -> tuple[list[Figures], list[Figures]]:
    """Return what each turn of `work` gave for the first side and for the second.

    Args:
        first: works first in every turn.
        second: works when the first has ended; only one of them works at a time.
        work: is given a side and the turn's number, from 1.
        turns: how many, ≥ 1.
    """
    firsts, seconds = [], []
    for turn in range(1, turns + 1):
        firsts.append(work(first, turn))
        seconds.append(work(second, turn))
    return firsts, seconds


def compared(first: Sequence[float], second: Sequence[float]) -> Comparison:
    """Compare a figure of two builds; each has one value > 0 a turn."""
    ratios = [one / other for one, other in zip(first, second, strict=True)]
    return Comparison(median(first), median(second), Spread.of(ratios))
