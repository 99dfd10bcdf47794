import itertools
import json
from dataclasses import replace

import numpy as np
import pytest

from ml.errors import CheckpointMismatch, EvaluationDataInvalid
from ml.evaluation.calibration import fitting
from ml.evaluation.calibration.fitting import Calibration, CalibrationOrigin, fit
from tests import fakes

ORIGIN = CalibrationOrigin(
    encoder="grid",
    weights_sha256=fakes.SPEC.weights_sha256,
    preprocessing_sha256=fakes.PREPROCESS.sha256(),
    data_sha256="d" * 64,
    pictures=50,
    pairs=4000,
    positive_pairs=1000,
)


def logistic(scores):
    return 1 / (1 + np.exp(-(12 * scores - 7)))


def stepped(scores):
    return np.where(scores < 0.5, 0.05, np.where(scores < 0.8, 0.4, 0.95))


def pairs(rng, truth, count=4000):
    """Scores, whether each pair is the same with the true probability, and 50 groups."""
    scores = rng.random(count)
    return scores, rng.random(count) < truth(scores), rng.integers(50, size=count)


@pytest.mark.parametrize(
    ("truth", "method"), [(logistic, "platt"), (stepped, "rising")], ids=["logistic", "stepped"]
)
def test_the_curve_that_fits_is_chosen_and_finds_the_truth(rng, truth, method):
    made = fit(*pairs(rng, truth), origin=ORIGIN, rng=rng)

    asked = np.array([0.1, 0.3, 0.62, 0.66, 0.9, 0.95])
    assert made.method == method
    assert made.probability(asked) == pytest.approx(truth(asked), abs=0.06)
    assert min(made.held_out_log_loss, key=made.held_out_log_loss.get) == method
    assert max(made.held_out_log_loss.values()) < made.base_log_loss


@pytest.mark.parametrize("truth", [logistic, stepped], ids=["logistic", "stepped"])
def test_a_greater_score_is_never_less_probable(rng, truth):
    made = fit(*pairs(rng, truth), origin=ORIGIN, rng=rng)

    found = made.probability(np.linspace(-5, 5, 2001))
    assert (np.diff(found) >= 0).all()
    assert found.min() >= 0
    assert found.max() <= 1
    # and a greater one among those that were seen is more so
    assert (np.diff(made.probability(np.linspace(0, 1, 201))) > 0).all()


def test_no_pairs_are_certain(rng):
    scores = np.arange(100) / 100

    made = fit(scores, scores >= 0.5, np.arange(100), origin=ORIGIN, rng=rng)

    assert made.probability(np.array([0.0]))[0] > 0
    assert made.probability(np.array([1.0]))[0] < 1


def test_thresholds_come_with_the_precision_and_recall_seen(rng):
    scores, is_same, groups = pairs(rng, logistic)

    made = fit(scores, is_same, groups, origin=ORIGIN, rng=rng, precisions=(0.9, 0.95))

    for point in made.thresholds:
        accepted = is_same[scores >= point.threshold]
        assert accepted.mean() == pytest.approx(point.precision)
        assert accepted.sum() / is_same.sum() == pytest.approx(point.recall)
        assert point.precision >= point.asked_precision
        # no lower threshold reaches it
        lower = [is_same[scores >= s].mean() for s in scores if s < point.threshold]
        assert max(lower) < point.asked_precision


def test_scores_against_the_truth_give_a_flat_curve(rng):
    scores, is_same, groups = pairs(rng, lambda s: logistic(1 - s))

    made = fit(scores, is_same, groups, origin=ORIGIN, rng=rng)

    assert made.method == "rising"
    assert "platt" not in made.held_out_log_loss
    assert np.ptp(made.probability(np.linspace(0.05, 0.95, 50))) < 0.05


def test_the_file_is_plain_json_and_comes_back_the_same(rng, tmp_path):
    for truth in (logistic, stepped):
        made = fit(*pairs(rng, truth), origin=ORIGIN, rng=rng)
        path = tmp_path / fitting.FILE
        path.write_text(json.dumps(made.to_json(), allow_nan=False), encoding="utf-8")

        assert fitting.load(path, fakes.SPEC) == made


def test_steps_of_few_pairs_are_joined_and_stay_close(rng):
    scores, is_same, groups = pairs(rng, stepped, count=60_000)

    made = fit(scores, is_same, groups, origin=ORIGIN, rng=rng)

    knots = made.curve.scores
    middles = [-np.inf, *((a + b) / 2 for a, b in itertools.pairwise(knots)), np.inf]
    for low, high in itertools.pairwise(middles):
        near = is_same[(scores >= low) & (scores < high)]
        assert min(near.sum(), (~near).sum()) >= 10
    asked = np.array([0.2, 0.6, 0.9])
    assert made.probability(asked) == pytest.approx(stepped(asked), abs=0.03)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (replace(fakes.SPEC, weights_sha256="1" * 64), "other weights"),
        (
            replace(fakes.SPEC, preprocess=replace(fakes.PREPROCESS, size_px=5)),
            "another preprocessing",
        ),
    ],
    ids=["weights", "preprocessing"],
)
def test_a_calibration_of_another_encoder_is_refused(rng, tmp_path, spec, message):
    path = tmp_path / fitting.FILE
    made = fit(*pairs(rng, logistic), origin=ORIGIN, rng=rng)
    path.write_text(json.dumps(made.to_json()), encoding="utf-8")

    with pytest.raises(CheckpointMismatch, match=message):
        fitting.load(path, spec)


@pytest.mark.parametrize(
    "content",
    [None, "", "[]", "{}", "{", '{"method": "platt"}', "[" * 100_000],
    ids=lambda content: repr(content)[:20],
)
def test_a_damaged_file_is_refused(tmp_path, content):
    path = tmp_path / fitting.FILE
    if content is not None:
        path.write_text(content, encoding="utf-8")

    with pytest.raises(CheckpointMismatch):
        fitting.load(path, fakes.SPEC)


def test_a_curve_that_is_none_is_refused(rng):
    values = fit(*pairs(rng, logistic), origin=ORIGIN, rng=rng).to_json()

    with pytest.raises(CheckpointMismatch, match="damaged"):
        Calibration.from_json(values | {"method": "platt", "curve": {"slope": -1, "intercept": 0}})


@pytest.mark.parametrize(
    ("is_same", "groups", "message"),
    [
        (np.ones(20, dtype=bool), np.arange(20), "same and of different"),
        (np.zeros(20, dtype=bool), np.arange(20), "same and of different"),
        (np.arange(20) % 2 == 0, np.zeros(20, dtype=int), "at least 5 pictures, got 1"),
        (np.zeros(0, dtype=bool), np.zeros(0, dtype=int), "at least 5 pictures, got 0"),
    ],
    ids=["all the same", "none the same", "one picture", "nothing"],
)
def test_too_little_to_learn_from_is_refused(rng, is_same, groups, message):
    with pytest.raises(EvaluationDataInvalid, match=message):
        fit(np.arange(len(is_same)) / 20, is_same, groups, origin=ORIGIN, rng=rng)


@pytest.mark.parametrize("scores", [np.full(4, np.nan), np.zeros(3)], ids=["nan", "other length"])
def test_what_are_no_scores_is_refused(rng, scores):
    with pytest.raises(ValueError, match="scores"):
        fit(scores, np.ones(4, dtype=bool), np.arange(4), origin=ORIGIN, rng=rng)
