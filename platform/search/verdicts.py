"""The ladder of verdicts: what a hit is to the query, the surest first."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import numpy as np

# Of the thresholds that a calibration has, the lowest that is right so often tells a same subject.
SAME_SUBJECT_PRECISION = 0.9


class Verdict(StrEnum):
    """A rung of the ladder."""

    IDENTICAL = "identical"  # the same file
    NEAR_IDENTICAL = "near-identical"  # the hashes of the pictures are nearly the same
    EDITED_COPY = "edited-copy"  # local features agree on where one lies in the other
    SAME_SUBJECT = "same-subject"  # the score is above the calibrated threshold
    SIMILAR = "similar"

    @property
    def rung(self) -> int:
        """From 0, the surest."""
        return list(Verdict).index(self)

    @property
    def is_proved(self) -> bool:
        """Whether pixels say so, and not a score."""
        return self in (Verdict.IDENTICAL, Verdict.NEAR_IDENTICAL, Verdict.EDITED_COPY)


def by_score(score: float, calibration: Mapping[str, Any] | None) -> Verdict:
    """Return what a score alone says: "same subject" or "similar".

    Args:
        score: of the best pair of regions; see `search.pairs`.
        calibration: the encoder version's; None never says "same subject".
    """
    reached = [
        point
        for point in (calibration or {}).get("thresholds", ())
        if point["threshold"] is not None and point["asked_precision"] >= SAME_SUBJECT_PRECISION
    ]
    if not reached:
        return Verdict.SIMILAR
    lowest = min(reached, key=lambda point: point["asked_precision"])
    return Verdict.SAME_SUBJECT if score >= lowest["threshold"] else Verdict.SIMILAR


def probability(score: float, calibration: Mapping[str, Any] | None) -> float | None:
    """Return P(same subject | score), 0..1, or None where the encoder version is not calibrated.

    Args:
        score: of the best pair of regions.
        calibration: as `python -m ml calibrate` writes it, isotonic or Platt's.
    """
    if calibration is None:
        return None
    curve = calibration["curve"]
    if calibration["method"] == "isotonic":
        return float(np.interp(score, curve["scores"], curve["probabilities"]))
    steepness = curve["slope"] * score + curve["intercept"]
    return float((1 + np.tanh(steepness / 2)) / 2)  # tanh, because exp overflows at the far end
