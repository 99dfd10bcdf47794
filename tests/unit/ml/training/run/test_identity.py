from pathlib import Path

import pytest

from ml.errors import CheckpointMismatch
from ml.training.run.identity import check_identity, identity_of
from tests.unit.ml.training.tiny import network, recipe


def identity(*, data_sha256="d" * 64, weights_sha256="0" * 64, **settings):
    config = recipe(Path("data"), **({"steps": 2, "patience": 3} | settings))
    return identity_of(config, network(weights_sha256=weights_sha256), data_sha256)


@pytest.mark.parametrize(
    "settings",
    [
        {"device": "cuda"},
        {"workers": 3},
        {"evaluate_every": 7},
        {"patience": 9},
        {"checkpoint_every": 11},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_what_no_step_depends_on_is_no_part_of_the_identity(settings):
    assert identity(**settings) == identity()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        pytest.param({"weights_sha256": "1" * 64}, "another encoder's weights", id="weights"),
        pytest.param({"data_sha256": "e" * 64}, "other data", id="data"),
        pytest.param({"seed": 1}, "another config", id="seed"),
        pytest.param({"steps": 3}, "another config", id="steps"),
        pytest.param({"precision": "bf16"}, "another config", id="precision"),
        pytest.param({"optimiser__ema_decay": 0.5}, "another config", id="a setting of a section"),
    ],
)
def test_a_state_of_something_else_is_refused(settings, reason):
    with pytest.raises(CheckpointMismatch, match=reason):
        check_identity(identity(**settings), identity())
