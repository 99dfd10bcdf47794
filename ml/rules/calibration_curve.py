"""From a score to the probability that two pictures show the same subject."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Method = Literal["isotonic", "platt"]


@dataclass(frozen=True, slots=True)
class Isotonic:
    """Probability as straight lines between knots; constant beyond the first and the last.

    Attributes:
        scores: (K,) strictly rising.
        probabilities: (K,) never falling, 0..1.
    """

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def probability(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the probabilities of scores of any shape."""
        return np.asarray(np.interp(scores, self.scores, self.probabilities), dtype=np.float64)


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


Curve = Isotonic | Platt


def curve_from_json(method: str, values: Mapping[str, Any]) -> Curve:
    """Return the curve in a JSON object that has a curve's attributes.

    Args:
        method: which curve; see `Method`.
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
    if method != "isotonic":
        raise ValueError(f"there is no method {method!r}")
    scores, probabilities = (
        tuple(float(value) for value in values[name]) for name in ("scores", "probabilities")
    )
    is_curve = (
        0 < len(scores) == len(probabilities)
        and (np.diff(scores) > 0).all()
        and (np.diff(probabilities) >= 0).all()
        and np.isfinite(scores).all()
        and 0 <= probabilities[0] <= probabilities[-1] <= 1
    )
    if not is_curve:
        raise ValueError("its knots have to rise, with probabilities from 0 to 1")
    return Isotonic(scores, probabilities)
