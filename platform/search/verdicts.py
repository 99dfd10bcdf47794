"""The ladder of verdicts: what a hit is to the query, the best first."""

import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import numpy as np

from ml.rules.calibration_curve import Curve, curve_from_json

logger = logging.getLogger(__name__)

# Of the thresholds that a calibration has, the lowest that is right so often tells a same subject.
SAME_SUBJECT_PRECISION = 0.9


class Verdict(StrEnum):
    """A rung of the ladder."""

    IDENTICAL = "identical"  # the same file
    NEAR_IDENTICAL = "near-identical"  # nothing differs but what saving again does
    EDITED_COPY = "edited-copy"  # one lies in the other; what differs there is an edit
    SHARED_DESIGN = "shared-design"  # a frame, a form or a thing is the same, the rest is not
    SAME_SUBJECT = "same-subject"  # the score is above the calibrated threshold
    SIMILAR = "similar"

    @property
    def rung(self) -> int:
        """From 0, the best."""
        return list(Verdict).index(self)

    @property
    def is_proved(self) -> bool:
        """Whether it says "copy": pixels do so, and not a score."""
        return self.rung <= Verdict.EDITED_COPY.rung


def by_score(score: float, calibration: Mapping[str, Any] | None) -> Verdict:
    """Return what a score alone says: "same subject" or "similar".

    Args:
        score: of the best pair of regions; see `ml.rules.pair_score`.
        calibration: the encoder version's; None never says "same subject".
    """
    threshold = same_subject_threshold(calibration)
    is_same = threshold is not None and score >= threshold
    return Verdict.SAME_SUBJECT if is_same else Verdict.SIMILAR


def same_subject_threshold(calibration: Mapping[str, Any] | None) -> float | None:
    """Return the score from which on "same subject" is said; None where no score is enough."""
    reached = [
        point
        for point in (calibration or {}).get("thresholds", ())
        if point["threshold"] is not None and point["asked_precision"] >= SAME_SUBJECT_PRECISION
    ]
    if not reached:
        return None
    return float(min(reached, key=lambda point: point["asked_precision"])["threshold"])


def curve_of(calibration: Mapping[str, Any] | None) -> Curve | None:
    """Return the curve of an encoder version's calibration; None where it has none.

    One that an earlier release recorded, and whose curve is none, counts as missing: hits without a
    probability are worth showing.

    Args:
        calibration: as `python -m ml calibrate` writes it.
    """
    if calibration is None:
        return None
    try:
        return curve_from_json(calibration["method"], calibration["curve"])
    except (KeyError, TypeError, ValueError):
        logger.warning("the calibration's curve is damaged")
        return None


def probability(score: float, curve: Curve | None) -> float | None:
    """Return P(same subject | score), 0..1, or None where the encoder version is not calibrated.

    Args:
        score: of the best pair of regions.
        curve: of the encoder version's calibration.
    """
    return None if curve is None else float(curve.probability(np.asarray(score)))
