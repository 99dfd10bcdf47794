from dataclasses import asdict

import numpy as np
import pytest

from ml.rules.calibration_curve import Platt, Rising, curve_from_json


def test_platt_agrees_with_its_formula_and_does_not_overflow():
    curve = Platt(slope=3.0, intercept=-1.0)

    found = curve.probability(np.array([-1e6, 0.0, 0.5, 1e6]))

    expected = [0, 1 / (1 + np.e), 1 / (1 + np.exp(-0.5)), 1]
    assert found == pytest.approx(np.array(expected))


def test_a_rising_curve_is_straight_between_knots_and_never_certain_beyond():
    curve = Rising(scores=(0.2, 0.6), probabilities=(0.1, 0.9))

    found = curve.probability(np.array([[0.2, 0.4], [0.6, 0.0], [0.8, 1.0]]))

    # the line rises by 2 a unit; beyond its ends the rest decays as fast as that begins
    beyond = [0.1 * np.exp(-0.2 * 2 / 0.1), 1 - 0.1 * np.exp(-4.0), 1 - 0.1 * np.exp(-8.0)]
    assert found == pytest.approx(np.array([[0.1, 0.5], [0.9, beyond[0]], beyond[1:]]))


def test_steps_of_earlier_releases_are_passed_through_their_middles():
    scores = [0.0, 0.2, 0.3, 0.5, 0.6, 0.7]
    curve = curve_from_json(
        "isotonic", {"scores": scores, "probabilities": [0.1, 0.1, 0.4, 0.4, 0.4, 1.0]}
    )

    found = curve.probability(np.array([0.1, 0.275, 0.45, 0.575, 0.7]))

    assert found == pytest.approx(np.array([0.1, 0.25, 0.4, 0.7, 1.0]))


@pytest.mark.parametrize(
    ("method", "values"),
    [
        ("isotonic", {"scores": [0.1, 0.2, 0.3, 0.6], "probabilities": [0.0, 0.0, 0.5, 0.5]}),
        ("isotonic", {"scores": [0.1, 0.6], "probabilities": [0.3, 0.3]}),
        ("isotonic", {"scores": [0.5], "probabilities": [0.0]}),
        ("rising", {"scores": [0.1, 0.6], "probabilities": [0.2, 0.8]}),
        ("platt", {"slope": 3.0, "intercept": -1.0}),
    ],
    ids=["steps", "one step", "one knot", "rising", "platt"],
)
def test_no_curve_has_a_plateau(method, values):
    found = curve_from_json(method, values).probability(np.linspace(-0.2, 1.0, 500))

    # at the very ends a double has no digits left to rise by
    inner = found[(found > 1e-12) & (found < 1 - 1e-6)]
    assert (np.diff(inner) > 0).all()
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize(
    ("method", "curve"),
    [
        ("platt", Platt(slope=3.0, intercept=-1.0)),
        ("rising", Rising(scores=(0.2, 0.6), probabilities=(0.1, 0.9))),
    ],
)
def test_a_curve_comes_back_from_json(method, curve):
    assert curve_from_json(method, asdict(curve)) == curve


@pytest.mark.parametrize(
    ("method", "curve"),
    [
        ("platt", {"slope": -1.0, "intercept": 0.0}),
        ("platt", {"slope": float("inf"), "intercept": 0.0}),
        ("platt", {"slope": 1.0, "intercept": float("nan")}),
        ("isotonic", {"scores": [], "probabilities": []}),
        ("isotonic", {"scores": [0.5, 0.4], "probabilities": [0.1, 0.2]}),
        ("isotonic", {"scores": [0.4, 0.5], "probabilities": [0.2, 0.1]}),
        ("isotonic", {"scores": [0.4, 0.5], "probabilities": [0.2]}),
        ("isotonic", {"scores": [0.4, 0.5], "probabilities": [0.2, 1.1]}),
        ("isotonic", {"scores": "ab", "probabilities": [0.2, 0.3]}),
        ("rising", {"scores": [0.4], "probabilities": [0.2]}),
        ("rising", {"scores": [0.4, 0.5], "probabilities": [0.2, 0.2]}),
        ("rising", {"scores": [0.4, 0.5], "probabilities": [0.0, 0.2]}),
        ("spline", {}),
    ],
    ids=[
        "falls",
        "infinite",
        "not a number",
        "empty",
        "back",
        "down",
        "uneven",
        "above 1",
        "text",
        "one knot",
        "plateau",
        "certain",
        "unknown",
    ],
)
def test_a_curve_that_is_none_is_refused(method, curve):
    with pytest.raises(ValueError, match=r"curve|knots|method|could not convert"):
        curve_from_json(method, curve)


@pytest.mark.parametrize(
    ("curve", "error"),
    [({"slope": 1.0}, KeyError), ({"slope": None, "intercept": 0.0}, TypeError), (3, TypeError)],
    ids=["incomplete", "of another kind", "no object"],
)
def test_what_is_no_curve_is_refused(curve, error):
    with pytest.raises(error):
        curve_from_json("platt", curve)
