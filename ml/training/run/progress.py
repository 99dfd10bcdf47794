"""How far a run is."""

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class RunProgress:
    """The steps made and the time taken.

    Attributes:
        step: optimiser steps made, those before a resume included.
        losses: mean of each loss over the last step.
        earlier_s: seconds that the run took before it was resumed.
        began_s: when this process began to train, by the monotonic clock.
    """

    step: int = 0
    losses: dict[str, float] = field(default_factory=dict)
    earlier_s: float = 0.0
    began_s: float = field(default_factory=time.monotonic)

    def start_clock(self) -> None:
        """Count the time from now on."""
        self.began_s = time.monotonic()

    def elapsed_s(self) -> float:
        """Return how many seconds the run has taken, those before a resume included."""
        return self.earlier_s + time.monotonic() - self.began_s
