import pytest
import torch

from ml.errors import CheckpointMismatch
from ml.training.trainer import train
from tests.unit.ml.training.tiny import (
    EVERYTHING,
    Log,
    assert_equal_weights,
    network,
    recipe,
    saved_weights,
)


def keep_what_earlier_versions_wrote(path):
    """Lay a state out by the names that it has had since there are states; it has no others."""
    state = torch.load(path)
    identity = ("family", "weights", "weights_sha256", "data_sha256", "config_sha256")
    progress = ("step", "seconds", "best_step", "worse_in_a_row")
    progress += ("start", "best", "losses", "history")
    optimiser = state["optimiser"]
    earlier = {
        "identity": {name: state["identity"][name] for name in identity},
        "progress": {name: state["progress"][name] for name in progress},
        "module": state["module"],
        "optimiser": {
            "state": {
                number: {name: moments[name] for name in ("step", "exp_avg", "exp_avg_sq")}
                for number, moments in optimiser["state"].items()
            },
            "param_groups": optimiser["param_groups"],
        },
        "start": dict(state["start"]),
        "averages": dict(state["averages"]),
        "scaler": {},
    }
    assert earlier.keys() == state.keys()
    assert earlier["progress"].keys() == state["progress"].keys()
    assert "initial_lr" not in optimiser["param_groups"][0]
    torch.save(earlier, path)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="plain"),
        pytest.param(EVERYTHING, id="everything"),
        pytest.param(
            EVERYTHING
            | {
                "optimiser__trained_share": 0.6,
                "tune__is_batch_norm_frozen": True,
                "loss__alike_score": 0.5,
                "views__size_px": 24,
                "whitening__views": 16,
                "style__layers": ("stem", "norm"),
            },
            id="everything, a part of the way",
        ),
        pytest.param(
            EVERYTHING | {"tune__lora_rank": 2, "tune__lora_targets": ("head", "stem")}, id="LoRA"
        ),
    ],
)
def test_a_killed_and_resumed_run_is_the_straight_one_bit_for_bit(settings, pictures, tmp_path):
    # given
    config = recipe(pictures, **({"steps": 4, "batch__subjects": 4} | settings), checkpoint_every=2)
    straight, first, second = Log(), Log(raises_at=4), Log()
    train(config, network(), tmp_path / "straight", open_trackers=lambda total: [straight])

    # when: a run dies in its fourth step and goes on from the state of its second
    killed = tmp_path / "killed"
    with pytest.raises(KeyboardInterrupt):
        train(config, network(), killed, open_trackers=lambda total: [first])
    keep_what_earlier_versions_wrote(killed / "state.pt")
    train(config, network(), killed, is_resumed=True, open_trackers=lambda total: [second])

    # then
    assert first.is_closed
    assert second.curve("loss") == straight.curve("loss")[2:]
    assert second.curve("lr") == straight.curve("lr")[2:]
    assert_equal_weights(saved_weights(killed), saved_weights(tmp_path / "straight"))
    states = [torch.load(tmp_path / name / "state.pt") for name in ("killed", "straight")]
    for part in ("module", "averages", "start"):
        assert_equal_weights(states[0][part], states[1][part])
    moments = [state["optimiser"]["state"] for state in states]
    assert moments[0].keys() == moments[1].keys()
    for number in moments[0]:
        assert_equal_weights(moments[0][number], moments[1][number])


def test_a_run_that_is_killed_before_its_first_checkpoint_can_be_resumed(pictures, tmp_path):
    config = recipe(pictures, steps=3, batch__subjects=4, evaluate_every=1, checkpoint_every=3)
    straight = train(config, network(), tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        train(config, network(), tmp_path / "run", open_trackers=lambda total: [Log(raises_at=2)])

    resumed = train(config, network(), tmp_path / "run", is_resumed=True)

    assert resumed == straight
    assert_equal_weights(saved_weights(tmp_path / "run"), saved_weights(tmp_path / "straight"))


def test_a_finished_run_resumes_to_its_end(pictures, tmp_path):
    config = recipe(pictures, steps=2, batch__subjects=4)
    result = train(config, network(), tmp_path / "run")
    before = saved_weights(tmp_path / "run")

    again = train(config, network(), tmp_path / "run", is_resumed=True)

    assert again == result
    assert_equal_weights(saved_weights(tmp_path / "run"), before)


def test_what_a_step_does_not_depend_on_may_change_on_resume(pictures, tmp_path):
    settings = {"steps": 2, "batch__subjects": 4}
    train(recipe(pictures, **settings), network(), tmp_path / "run")

    changed = recipe(pictures, **settings, workers=1, evaluate_every=7, checkpoint_every=9)

    assert train(changed, network(), tmp_path / "run", is_resumed=True).steps == 2


@pytest.mark.parametrize(
    ("other", "settings", "reason"),
    [
        pytest.param(network(weights_sha256="1" * 64), {}, "another encoder's w", id="encoder"),
        pytest.param(network(), {"optimiser__lr": 0.5}, "another config", id="config"),
        pytest.param(network(), {"data__held_out_share": 0.5}, "other data", id="data"),
    ],
)
def test_a_state_of_something_else_is_not_resumed(other, settings, reason, pictures, tmp_path):
    first = {"steps": 2, "batch__subjects": 4}
    train(recipe(pictures, **first), network(), tmp_path / "run")
    before = saved_weights(tmp_path / "run")

    with pytest.raises(CheckpointMismatch, match=reason) as error:
        train(recipe(pictures, **first, **settings), other, tmp_path / "run", is_resumed=True)

    assert error.value.code == "ml:checkpoint-mismatch"
    assert_equal_weights(saved_weights(tmp_path / "run"), before)


@pytest.mark.parametrize("damage", ["missing", "no file of ours", "cut"])
def test_a_state_that_is_none_is_not_resumed(damage, pictures, tmp_path):
    config, folder = recipe(pictures, steps=1, batch__subjects=4), tmp_path / "run"
    train(config, network(), folder)
    (folder / ".writing-abc").mkdir()  # left by a run that was killed while it wrote
    state = folder / "state.pt"
    if damage == "missing":
        state.unlink()
    else:
        state.write_bytes(b"hello" if damage == "no file of ours" else state.read_bytes()[:500])

    with pytest.raises(CheckpointMismatch):
        train(config, network(), folder, is_resumed=True)
