"""From a score to the probability that two pictures show the same subject.

Every curve rises strictly: a pair with a higher score never has the same probability as one below
it, so that a threshold on the score is one on the probability.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Method = Literal["rising", "platt"]
# Read, and written by earlier releases: steps, which are passed through their middles.
_STEPS = "isotonic"
# No finite number of pairs proves certainty.
_MIN_PROBABILITY = 1e-9


@dataclass(frozen=True, slots=True)
class Rising:
    """Probability as straight lines between knots, and beyond them ever nearer to 0 and 1.

    Attributes:
        scores: (K,) strictly rising, K ≥ 2.
        probabilities: (K,) strictly rising, above 0 and below 1.
    """

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def probability(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the probabilities of scores of any shape."""
        asked = np.asarray(scores, dtype=np.float64)
        first, last = self.probabilities[0], self.probabilities[-1]
        # As steep as the line beside it.
        below = first * np.exp(np.minimum(asked - self.scores[0], 0) * self._slope(0, 1) / first)
        above = 1 - (1 - last) * np.exp(
            np.minimum(self.scores[-1] - asked, 0) * self._slope(-2, -1) / (1 - last)
        )
        between = np.interp(asked, self.scores, self.probabilities)
        return np.where(
            asked < self.scores[0], below, np.where(asked > self.scores[-1], above, between)
        )

    def _slope(self, left: int, right: int) -> float:
        rise = self.probabilities[right] - self.probabilities[left]
        return rise / (self.scores[right] - self.scores[left])


@dataclass(frozen=True, slots=True)
class Platt:
    """Probability as 1 / (1 + exp(−(slope · score + intercept))); slope > 0.

    Source: Platt, "Probabilistic Outputs for Support Vector Machines", 1999.
    """

    slope: float
    intercept: float

    def probability(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the probabilities of scores of any shape."""
        # tanh, because exp overflows at the far end.
        steepness = self.slope * np.asarray(scores, dtype=np.float64) + self.intercept
        return (1 + np.tanh(steepness / 2)) / 2


Curve = Rising | Platt


def through_steps(scores: Sequence[float], probabilities: Sequence[float]) -> Rising:
    """Return the curve through the middles of steps.

    Args:
        scores: (K,) strictly rising, K ≥ 1: where steps begin and end.
        probabilities: (K,) never falling, 0..1; a step is a run of equal ones.
    """
    starts = [0, *(np.flatnonzero(np.diff(probabilities)) + 1), len(scores)]
    middles = [(scores[start] + scores[end - 1]) / 2 for start, end in itertools.pairwise(starts)]
    heights = [
        min(max(probabilities[start], _MIN_PROBABILITY), 1 - _MIN_PROBABILITY)
        for start in starts[:-1]
    ]
    if len(middles) > 1:
        return Rising(tuple(map(float, middles)), tuple(map(float, heights)))
    # Scores tell nothing: it rises by next to nothing.
    [middle], [height] = middles, heights
    margin = min(height, 1 - height) / 100
    return Rising((middle - 1, middle + 1), (height - margin, height + margin))


def curve_from_json(method: str, values: Mapping[str, Any]) -> Curve:
    """Return the curve in a JSON object that has a curve's attributes.

    Args:
        method: which curve; see `Method`. Steps ("isotonic") are read, too.
        values: its attributes by name.

    Raises:
        KeyError: an attribute is missing.
        TypeError: one is of another kind.
        ValueError: there is no such method, or probabilities would fall with the score.
    """
    if method == "platt":
        platt = Platt(float(values["slope"]), float(values["intercept"]))
        if not (platt.slope > 0 and np.isfinite([platt.slope, platt.intercept]).all()):
            raise ValueError("the slope of its curve has to be above 0")
        return platt
    if method not in {"rising", _STEPS}:
        raise ValueError(f"there is no method {method!r}")
    scores, probabilities = (
        tuple(float(value) for value in values[name]) for name in ("scores", "probabilities")
    )
    is_known = 0 < len(scores) == len(probabilities) and np.isfinite(scores).all()
    steps = np.diff(probabilities)
    if method == _STEPS:
        is_curve = (
            is_known and (steps >= 0).all() and 0 <= probabilities[0] <= probabilities[-1] <= 1
        )
    else:
        is_curve = is_known and len(scores) > 1 and (steps > 0).all()
        is_curve = is_curve and probabilities[0] > 0 and probabilities[-1] < 1
    if not (is_curve and (np.diff(scores) > 0).all()):
        raise ValueError("its knots have to rise, with probabilities from 0 to 1")
    return (
        through_steps(scores, probabilities) if method == _STEPS else Rising(scores, probabilities)
    )
