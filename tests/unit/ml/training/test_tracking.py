import logging

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ml.training.tracking import TensorBoard, WeightsAndBiases
from tests.unit.ml.training.tiny import recipe

KEY = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture
def config(tmp_path):
    return recipe(tmp_path, steps=2)


def test_tensorboard_shows_the_curves(tmp_path):
    board = TensorBoard(tmp_path / "curves")
    board.log(1, {"loss": 0.5, "lr": 0.25})
    board.log(2, {"loss": 0.125})
    board.close()

    events = EventAccumulator(str(tmp_path / "curves")).Reload()
    points = {
        name: [(event.step, event.value) for event in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }
    assert points == {"loss": [(1, 0.5), (2, 0.125)], "lr": [(1, 0.25)]}


def test_without_a_key_the_run_is_kept_in_the_folder(config, tmp_path, caplog):
    tracker = WeightsAndBiases(config, tmp_path / "wandb", key=None)
    tracker.log(1, {"loss": 0.5})
    tracker.close()

    assert list((tmp_path / "wandb").rglob("*.wandb")) != []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_service_that_fails_is_said_once_and_stops_nothing(config, tmp_path, caplog):
    # given: a folder that cannot be made, because a file has its name
    (tmp_path / "taken").write_text("")

    tracker = WeightsAndBiases(config, tmp_path / "taken", key=KEY)
    for step in range(3):
        tracker.log(step, {"loss": 0.5})
    tracker.close()

    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in warnings] == ["Weights & Biases is off for this run"]
    assert KEY not in caplog.text
