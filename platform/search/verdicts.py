"""The ladder of verdicts: what a hit is to the query, the best first."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from ml.rules.calibration_curve import Curve, curve_from_json

logger = logging.getLogger(__name__)

# Of the thresholds that a calibration has, the lowest that is right so often tells a same subject.
SAME_SUBJECT_PRECISION = 0.9
# Of what only a score says: nothing is certain.
_MAX_PERCENT = 99
# Of floats: 0.29 · 100 is 28.999999999999996.
_ROUNDING = 1e-9


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
    is_reached = threshold is not None and score >= threshold
    return Verdict.SAME_SUBJECT if is_reached else Verdict.SIMILAR


@dataclass(frozen=True, slots=True)
class SameSubjectMark:
    """Where "same subject" begins, and how sure it is from there on.

    Attributes:
        probability: of the threshold, 0..1: hits from there on are marked, and no others.
        precision: share of the pairs at or above it that were of the same subject.
        pairs: that were judged for this; 0 where nobody wrote that down.
        pictures: of which these pairs are.
    """

    probability: float
    precision: float
    pairs: int
    pictures: int

    @property
    def precision_percent(self) -> int:
        """The precision in whole per cent, rounded down."""
        return math.floor(100 * self.precision + _ROUNDING)

    @property
    def percent(self) -> int:
        """The least that is shown of what is marked."""
        return math.ceil(100 * self.probability)

    def shown_percent(self, probability: float) -> int:
        """Return a probability in whole per cent, on the same side of the threshold as it is."""
        percent = round(100 * probability)
        if probability >= self.probability:
            return min(max(percent, self.percent), _MAX_PERCENT)
        return min(percent, self.percent - 1)


def same_subject_threshold(calibration: Mapping[str, Any] | None) -> float | None:
    """Return the score from which on "same subject" is said; None where no score is enough."""
    point = _same_subject_point(calibration)
    return None if point is None else float(point["threshold"])


def same_subject_mark(calibration: Mapping[str, Any] | None) -> SameSubjectMark | None:
    """Return where an encoder version's "same subject" begins; None where it is never said."""
    point, curve = _same_subject_point(calibration), curve_of(calibration)
    if point is None or curve is None:
        return None
    origin = (calibration or {}).get("origin", {})
    return SameSubjectMark(
        probability=float(curve.probability(np.asarray(point["threshold"]))),
        precision=point["precision"],
        pairs=origin.get("pairs", 0),
        pictures=origin.get("pictures", 0),
    )


def _same_subject_point(calibration: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    reached = [
        point
        for point in (calibration or {}).get("thresholds", ())
        if point["threshold"] is not None and point["asked_precision"] >= SAME_SUBJECT_PRECISION
    ]
    return min(reached, key=lambda point: point["asked_precision"], default=None)


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
