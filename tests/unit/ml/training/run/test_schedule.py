import math

import pytest

from ml.training.config import OptimiserConfig
from ml.training.run.schedule import learning_rate


def rates(total_steps, **settings):
    config = OptimiserConfig(**settings)
    return [learning_rate(config, step, total_steps) for step in range(total_steps)]


def test_the_learning_rate_rises_and_falls():
    found = rates(10, lr=0.5, warm_up=0.4, final_lr=0.2)

    rising = [0.25, 0.5, 0.75, 1.0]
    falling = [0.2 + 0.8 * (1 + math.cos(math.pi * index / 5)) / 2 for index in range(6)]
    assert found == pytest.approx([0.5 * share for share in rising + falling])
    assert found[-1] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("total_steps", "warm_up", "expected"),
    [
        pytest.param(1, 0.0, [1.0], id="one step"),
        pytest.param(2, 0.0, [1.0, 0.0], id="two steps"),
        pytest.param(4, 1.0, [0.25, 0.5, 0.75, 1.0], id="warm-up alone"),
    ],
)
def test_the_shortest_runs_have_a_rate(total_steps, warm_up, expected):
    assert rates(total_steps, lr=1.0, warm_up=warm_up, final_lr=0.0) == expected
