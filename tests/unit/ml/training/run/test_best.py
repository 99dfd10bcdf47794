import pytest

from ml.training.run.best import BestSoFar
from ml.training.trainer import train
from tests.unit.ml.training.tiny import network, recipe


def test_the_best_so_far_is_the_last_of_the_highest():
    best = BestSoFar(start={"map": 0.4})

    taken = [best.add(step, {"map": value}) for step, value in enumerate((0.2, 0.5, 0.5, 0.3), 1)]

    assert taken == [True, True, True, False]
    assert best.metrics == {"map": 0.5}
    assert best.history == [
        {"step": 1.0, "map": 0.2},
        {"step": 2.0, "map": 0.5},
        {"step": 3.0, "map": 0.5},
        {"step": 4.0, "map": 0.3},
    ]
    # and: an equal one was no rise
    assert best.worse_in_a_row == 2
    assert [best.is_exhausted(patience) for patience in (None, 1, 2, 3)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_rise_starts_the_count_of_patience_again():
    best = BestSoFar()

    for step, value in enumerate((0.5, 0.4, 0.6), 1):
        best.add(step, {"map": value})

    assert best.worse_in_a_row == 0


@pytest.mark.parametrize(("value", "is_worse"), [(0.3, True), (0.4, False), (0.5, False)])
def test_the_best_is_compared_with_the_start(value, is_worse):
    best = BestSoFar(start={"map": 0.4})
    assert not best.is_worse_than_start()

    best.add(1, {"map": value})

    assert best.is_worse_than_start() == is_worse


def test_training_stops_when_the_measure_does_not_rise(pictures, tmp_path):
    # given: every parameter but one is frozen, and that one hardly moves
    config = recipe(
        pictures,
        steps=50,
        batch__subjects=4,
        evaluate_every=2,
        patience=2,
        optimiser__lr=1e-12,
    )

    result = train(config, network(), tmp_path / "run")

    # then: measured at 2 (the best), at 4 and 6 no better
    assert (result.steps, result.is_stopped_early) == (6, True)
    assert result.best == result.start
