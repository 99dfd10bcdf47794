"""Which step's encoder is the best so far by the held-out measure, and when to stop looking."""

import math
from dataclasses import dataclass, field


@dataclass(slots=True)
class BestSoFar:
    """What was measured on the held-out pictures, and which encoder is saved because of it.

    Attributes:
        start: metrics before the first step; empty where nothing is held out.
        metrics: those of the best encoder; empty where nothing was measured yet.
        history: every measurement after the start: its step and its metrics.
        worse_in_a_row: measurements since "map" rose last.
        saved_step: the step of the saved encoder; 0 where none was saved.
    """

    start: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    worse_in_a_row: int = 0
    saved_step: int = 0

    def add(self, step: int, metrics: dict[str, float]) -> bool:
        """Take in a measurement and return whether its encoder is the best so far.

        An encoder as good as the best one takes its place, but does not count as a rise.

        Args:
            step: after which it was measured, from 1.
            metrics: "map", 0..1, and others.
        """
        self.history.append({"step": float(step)} | metrics)
        best = self.metrics.get("map", -math.inf)
        self.worse_in_a_row = 0 if metrics["map"] > best else self.worse_in_a_row + 1
        is_best = metrics["map"] >= best
        if is_best:
            self.metrics = metrics
        return is_best

    def is_exhausted(self, patience: int | None) -> bool:
        """Return whether so many measurements in a row brought no rise; never where it is None."""
        return patience is not None and self.worse_in_a_row >= patience

    def is_worse_than_start(self) -> bool:
        """Return whether even the best encoder is worse than the one that training began with."""
        return bool(self.metrics) and self.metrics["map"] < self.start["map"]
