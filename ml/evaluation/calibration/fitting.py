"""What a score means: the probability that two pictures show the same subject, and thresholds.

A cosine of one encoder says nothing about that of another. A calibration belongs to the weights and
the preprocessing it was made with, and to how often pairs were of the same subject there: where
such pairs are rarer, the same score is less sure.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.encoders.base import EncoderSpec
from ml.errors import CheckpointMismatch, EvaluationDataInvalid
from ml.evaluation.retrieval.metrics import OperatingPoint, operating_point
from ml.rules.calibration_curve import (
    Curve,
    Method,
    Platt,
    Rising,
    curve_from_json,
    through_steps,
)

FILE = "calibration.json"
DEFAULT_PRECISIONS = (0.9, 0.95, 0.99)
_FOLDS = 5
# Pairs of each kind that a knot of the curve stands for: steps with fewer are joined.
_PAIRS_A_KNOT = 20


@dataclass(frozen=True, slots=True)
class CalibrationOrigin:
    """What a calibration was made from.

    Attributes:
        encoder: the encoder's name.
        weights_sha256: of its weights.
        preprocessing_sha256: of its preprocessing.
        data_sha256: of the pictures and their labels.
        pictures: how many.
        pairs: how many pairs of them were judged.
        positive_pairs: those of the same subject.
        decided_pairs: those among them that people decided about.
    """

    encoder: str
    weights_sha256: str
    preprocessing_sha256: str
    data_sha256: str
    pictures: int
    pairs: int
    positive_pairs: int
    decided_pairs: int = 0


@dataclass(frozen=True, slots=True)
class Calibration:
    """From a score to P(same subject), and back to thresholds.

    Attributes:
        method: which curve was chosen, by the lower held-out log loss.
        curve: the curve, fitted to all pairs.
        held_out_log_loss: method → mean over pairs of folds that the curve was not fitted to, in
            nats; a method that could not be fitted is missing.
        base_log_loss: of always answering the share of positive pairs.
        thresholds: where each asked precision was reached, on all pairs.
        origin: what it was made from.
    """

    method: Method
    curve: Curve
    held_out_log_loss: dict[str, float]
    base_log_loss: float
    thresholds: tuple[OperatingPoint, ...]
    origin: CalibrationOrigin

    def probability(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return P(same subject | score), 0..1, for any shape; it never falls with a score."""
        return self.curve.probability(scores)

    def to_json(self) -> dict[str, Any]:
        """Return the calibration as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Calibration":
        """Return the calibration in a JSON object as `to_json` makes it.

        Raises:
            CheckpointMismatch: something is missing, or the curve is none.
        """
        try:
            return cls(
                method=values["method"],
                curve=curve_from_json(values["method"], values["curve"]),
                held_out_log_loss={k: float(v) for k, v in values["held_out_log_loss"].items()},
                base_log_loss=float(values["base_log_loss"]),
                thresholds=tuple(OperatingPoint(**each) for each in values["thresholds"]),
                origin=CalibrationOrigin(**values["origin"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as err:
            raise CheckpointMismatch(f"The calibration is damaged: {err}") from err


def fit(
    scores: NDArray[np.floating],
    is_same: NDArray[np.bool_],
    groups: NDArray[np.int64],
    *,
    origin: CalibrationOrigin,
    rng: np.random.Generator,
    precisions: Sequence[float] = DEFAULT_PRECISIONS,
) -> Calibration:
    """Return the calibration of judged pairs.

    A rising curve through knots and Platt's are fitted to four fifths of the groups and judged on
    the rest, five times over; the one with the lower log loss is then fitted to all pairs.

    Args:
        scores: (N,) finite.
        is_same: (N,), whether a pair shows the same subject.
        groups: (N,), pairs of one group are held out together: those of one picture, say.
        origin: what the pairs are from.
        rng: deals the groups to folds.
        precisions: those that thresholds are asked for, 0..1.

    Raises:
        EvaluationDataInvalid: too few groups, or no pairs of one kind where the curves are fitted.
        ValueError: the shapes differ, or a score is not finite.
    """
    if not scores.shape == is_same.shape == groups.shape or scores.ndim != 1:
        raise ValueError(f"expected (N,) scores, is_same and groups, got {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    values = scores.astype(np.float64)
    losses = _held_out_log_losses(values, is_same, groups, rng)
    method: Method = "platt" if losses.get("platt", np.inf) < losses["rising"] else "rising"
    curve = _fit_platt(values, is_same) if method == "platt" else _fit_rising(values, is_same)
    if curve is None:  # the slope was right in every fold and is not on all pairs together
        method, curve = "rising", _fit_rising(values, is_same)
    base = np.full(len(values), is_same.mean())
    return Calibration(
        method=method,
        curve=curve,
        held_out_log_loss=losses,
        base_log_loss=_log_loss(base, is_same),
        thresholds=tuple(operating_point(values, is_same, asked) for asked in precisions),
        origin=origin,
    )


def read(path: Path) -> Calibration:
    """Return the calibration in a file, whatever encoder it is of.

    Raises:
        CheckpointMismatch: the file is missing or damaged.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as err:
        raise CheckpointMismatch(
            f"The calibration {path} cannot be read: {err}", file=str(path)
        ) from err
    return Calibration.from_json(values if isinstance(values, dict) else {})


def load(path: Path, spec: EncoderSpec) -> Calibration:
    """Return the calibration in a file, for an encoder.

    Raises:
        CheckpointMismatch: the file is missing or damaged, or was made with other weights or
            another preprocessing.
    """
    calibration = read(path)
    made_with = calibration.origin
    if made_with.weights_sha256 != spec.weights_sha256:
        raise CheckpointMismatch(
            f"The calibration {path} was made with other weights ({made_with.encoder},"
            f" {made_with.weights_sha256[:12]}…) than these of {spec.name}.",
            file=str(path),
        )
    if made_with.preprocessing_sha256 != spec.preprocess.sha256():
        raise CheckpointMismatch(
            f"The calibration {path} was made with another preprocessing than this of {spec.name}.",
            file=str(path),
        )
    return calibration


def _held_out_log_losses(
    scores: NDArray[np.float64],
    is_same: NDArray[np.bool_],
    groups: NDArray[np.int64],
    rng: np.random.Generator,
) -> dict[str, float]:
    names, group_of_pair = np.unique(groups, return_inverse=True)
    if len(names) < _FOLDS:
        raise EvaluationDataInvalid(
            f"A calibration needs pairs of at least {_FOLDS} pictures, got {len(names)}."
        )
    fold_of_pair = (rng.permutation(len(names)) % _FOLDS)[group_of_pair]
    held_out: dict[str, NDArray[np.float64]] = {
        "rising": np.empty_like(scores),
        "platt": np.empty_like(scores),
    }
    for fold in range(_FOLDS):
        is_out = fold_of_pair == fold
        kept, kept_same = scores[~is_out], is_same[~is_out]
        if kept_same.all() or not kept_same.any():
            raise EvaluationDataInvalid(
                "A calibration needs several pairs of the same and of different subjects."
            )
        held_out["rising"][is_out] = _fit_rising(kept, kept_same).probability(scores[is_out])
        platt = _fit_platt(kept, kept_same)
        if platt is None:
            held_out.pop("platt", None)
        elif "platt" in held_out:
            held_out["platt"][is_out] = platt.probability(scores[is_out])
    return {name: _log_loss(values, is_same) for name, values in held_out.items()}


def _fit_rising(scores: NDArray[np.float64], is_same: NDArray[np.bool_]) -> Rising:
    """Return the curve through the steps of isotonic regression, the smallest ones joined."""
    from sklearn.isotonic import IsotonicRegression  # here: workers read curves, and fit none

    levels = IsotonicRegression().fit_transform(scores, is_same.astype(np.float64))
    step_of_pair = np.unique(levels, return_inverse=True)[1]
    # Of each step: its pairs, those of the same subject, the sum of scores.
    steps = np.stack(
        [
            np.bincount(step_of_pair, weights=each)
            for each in (np.ones_like(scores), is_same, scores)
        ],
        axis=1,
    )
    joined = _joined(steps.astype(np.float64))
    if len(joined) > 1:
        pairs, same, sums = joined.T
        return Rising(tuple(map(float, sums / pairs)), tuple(map(float, same / pairs)))
    # No score has pairs of both kinds: their steps themselves, one pair away from certainty.
    pairs, same, sums = steps.T
    margin = 1 / (len(scores) + 2)
    heights = np.clip(same / pairs, margin, 1 - margin)
    return through_steps(tuple(map(float, sums / pairs)), tuple(map(float, heights)))


def _joined(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return neighbouring steps added up until each has `_PAIRS_A_KNOT` pairs of each kind."""
    made: list[NDArray[np.float64]] = []
    for step in steps:
        if made and not _is_enough(made[-1]):
            made[-1] = made[-1] + step
        else:
            made.append(step)
    if len(made) > 1 and not _is_enough(made[-1]):
        last = made.pop()
        made[-1] = made[-1] + last
    return np.array(made)


def _is_enough(step: NDArray[np.float64]) -> bool:
    pairs, same, _ = step
    return bool(min(same, pairs - same) >= _PAIRS_A_KNOT)


def _fit_platt(scores: NDArray[np.float64], is_same: NDArray[np.bool_]) -> Platt | None:
    """Return the curve; None where greater scores would mean less similar."""
    from sklearn.linear_model import LogisticRegression  # here: as above

    # Each pair counts a little as of the other kind too, as in Platt's paper, section 2.2:
    # otherwise the curve of perfectly separated pairs becomes a step.
    right = int(is_same.sum())
    wrong = len(scores) - right
    belief = np.where(is_same, (right + 1) / (right + 2), (wrong + 1) / (wrong + 2))
    regression = LogisticRegression(C=np.inf).fit(
        np.concatenate([scores, scores])[:, None],
        np.concatenate([is_same, ~is_same]),
        sample_weight=np.concatenate([belief, 1 - belief]),
    )
    slope, intercept = float(regression.coef_[0, 0]), float(regression.intercept_[0])
    return Platt(slope, intercept) if slope > 0 else None


def _log_loss(probabilities: NDArray[np.float64], is_same: NDArray[np.bool_]) -> float:
    likelihood = np.where(is_same, probabilities, 1 - probabilities)
    return float(-np.log(np.maximum(likelihood, np.finfo(np.float64).tiny)).mean())
