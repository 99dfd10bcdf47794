import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from ml.encoders import checkpoint, whitening
from ml.encoders.whitening import Whitening
from ml.errors import (
    CheckpointMismatch,
    InvalidTrainingConfig,
    InvalidTrainingData,
    NoPictures,
    OutputUnwritable,
    RunFolderInUse,
    TrainingDiverged,
)
from ml.images.decode import decode
from ml.training import trainer
from ml.training.data.pictures import open_split
from ml.training.held_out import HeldOut
from ml.training.trainer import schedule, train
from tests.unit.ml.training.tiny import (
    PLAIN_VIEWS,
    PREPROCESS,
    TinyNet,
    network,
    recipe,
    write_blocks,
)

# Everything whose state has to survive a resume, in batches of few views.
EVERYTHING = {
    "batch__subjects": 4,
    "batch__views": 3,
    "batch__accumulate": 2,
    "views__background": 1.0,
    "loss__anchor_photo_weight": 0.2,
    "loss__anchor_drawing_weight": 0.1,
    "loss__relation_weight": 0.1,
    "optimiser__lr": 0.01,
    "optimiser__ema_decay": 0.9,
    "optimiser__warm_up": 0.4,
    "tune__is_batch_norm_frozen": False,
    "data__held_out_share": 0.25,
}


class Log:
    """Remembers every number; raises in the middle of a step where it is told to."""

    def __init__(self, *, raises_at: int | None = None) -> None:
        self.values: list[tuple[int, dict[str, float]]] = []
        self.is_closed = False
        self._raises_at = raises_at

    def log(self, step, values):
        if step == self._raises_at:
            raise KeyboardInterrupt
        self.values.append((step, dict(values)))

    def close(self):
        self.is_closed = True

    def curve(self, name):
        return [values[name] for _, values in self.values if name in values]


@pytest.fixture
def pictures(tmp_path, rng) -> Path:
    return write_blocks(tmp_path / "data", [f"{number:02}.png" for number in range(16)], rng)


def encoder_of(saved):
    return saved.to_encoder(device=torch.device("cpu"), dtype=torch.float32, batch_size=4)


def weights(folder):
    return load_file(folder / checkpoint.WEIGHTS)


def assert_equal_weights(left, right):
    assert left.keys() == right.keys()
    for name in left:
        assert torch.equal(left[name], right[name]), name


# What comes out


def test_a_run_leaves_an_encoder_and_its_records(pictures, tmp_path):
    folder, log = tmp_path / "run", Log()
    config = recipe(pictures, steps=4, batch__subjects=4, evaluate_every=2, name="blocks")

    result = train(config, network(), folder, open_trackers=lambda total: [log])

    # then: the folder is an encoder's checkpoint
    loaded = checkpoint.load(folder, build=lambda config: TinyNet())
    assert (loaded.name, loaded.family, loaded.dim) == ("blocks", "tiny", 16)
    # and: the records are those of this run
    training = json.loads((folder / "training.json").read_text())
    data = json.loads((folder / "data.json").read_text())
    assert training["weights_sha256"] == loaded.weights_sha256
    assert training["config"] == config.to_json()
    assert training["data_sha256"] == data["sha256"]
    assert len(data["files"]) == 16
    assert training["held_out"] == dict(result.best)
    assert training["libraries"]["torch"] == torch.__version__.partition("+")[0]
    assert [point["step"] for point in training["history"]] == [2, 4]
    # and: nothing half-written is left
    assert sorted(path.name for path in folder.iterdir()) == [
        "data.json",
        "encoder.json",
        "model.safetensors",
        "report.md",
        "state.pt",
        "training.json",
    ]
    # and: the report says to people what the records say
    report = (folder / "report.md").read_text()
    assert report.startswith("# Training of blocks\n\nStarted from random.")
    for step, metrics in ((0, result.start), (4, training["history"][1])):
        row = "at the start" if step == 0 else f"step {step}"
        cells = " | ".join(f"{metrics[name]:.4f}" for name in ("map", "map_photo", "map_drawing"))
        assert f"| {row} | {cells} |" in report
    # and: every step was told, and the measures beside it
    assert [step for step, values in log.values if "loss" in values] == [1, 2, 3, 4]
    assert len(log.curve("held_out/map")) == 3
    assert log.is_closed


def test_a_small_network_learns_32_pictures_by_heart(tmp_path, rng):
    data = write_blocks(tmp_path / "data", [f"{number}.png" for number in range(32)], rng)
    folder = tmp_path / "run"
    config = recipe(
        data,
        steps=60,
        batch__subjects=32,
        optimiser__lr=0.01,
        loss__mining="hard",
        tune__is_batch_norm_frozen=False,
        data__held_out_share=0,
        views__photo_share=1.0,
        views__flip=0.0,
        views__colour=0.0,
        views__background=0.0,
        views__photo_area=0.5,
    )

    train(config, network(), folder)

    # then: among all, the nearest to each picture's middle is that picture
    trained = checkpoint.load(folder, build=lambda config: TinyNet())
    encoder = trained.to_encoder(device=torch.device("cpu"), dtype=torch.float32, batch_size=32)
    images = [decode(path.read_bytes(), max_pixels=10_000) for path in sorted(data.iterdir())]
    middles = [image.crop((4, 4, 44, 44)) for image in images]
    nearest = (encoder.encode(middles) @ encoder.encode(images).T).argmax(axis=1)
    assert nearest.tolist() == list(range(32))


def test_labelled_folders_train_and_are_measured(tmp_path, rng):
    names = [f"{medium}/{s}/{n}.png" for medium in ("photo", "ink") for s in "abcdef" for n in "12"]
    data = write_blocks(tmp_path / "data", names, rng)
    config = recipe(
        data, data__kind="folder", steps=2, batch__subjects=4, loss__mining="cross_medium"
    )

    result = train(config, network(), tmp_path / "run")

    assert result.steps == 2
    assert result.best.keys() == {"map"}


def test_the_same_seed_makes_the_same_weights(pictures, tmp_path):
    config = recipe(pictures, steps=3, batch__subjects=4)

    for name in ("one", "two"):
        train(config, network(), tmp_path / name)
    train(recipe(pictures, steps=3, batch__subjects=4, seed=1), network(), tmp_path / "other")

    assert_equal_weights(weights(tmp_path / "one"), weights(tmp_path / "two"))
    assert not torch.equal(
        weights(tmp_path / "one")["head.weight"], weights(tmp_path / "other")["head.weight"]
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_nothing(workers, pictures, tmp_path):
    for name, count in (("alone", 0), ("helped", workers)):
        config = recipe(pictures, steps=3, batch__subjects=4, workers=count)
        train(config, network(), tmp_path / name)

    assert_equal_weights(weights(tmp_path / "alone"), weights(tmp_path / "helped"))


def test_epochs_count_batches_of_all_subjects(pictures, tmp_path):
    # given: 16 subjects, 4 in a batch, 2 batches a step
    config = recipe(
        pictures, epochs=3, batch__subjects=4, batch__accumulate=2, data__held_out_share=0
    )

    assert train(config, network(), tmp_path / "run").steps == 6


def test_the_averaged_weights_are_the_ones_saved(pictures, tmp_path):
    config = recipe(
        pictures, steps=3, batch__subjects=4, optimiser__lr=0.01, optimiser__ema_decay=0.9
    )

    train(config, network(), tmp_path / "run")

    saved = weights(tmp_path / "run")["head.weight"]
    state = torch.load(tmp_path / "run" / "state.pt")
    assert torch.equal(saved, state["averages"]["network.head.weight"])
    assert not torch.equal(saved, state["module"]["network.head.weight"])


@pytest.mark.parametrize(
    ("ema_decay", "trained"),
    [
        pytest.param(None, "module", id="of the last weights"),
        pytest.param(0.9, "averages", id="of the averaged weights"),
    ],
)
def test_a_part_of_the_way_is_saved(ema_decay, trained, pictures, tmp_path):
    start = network()
    first = {name: value.clone() for name, value in start.module.state_dict().items()}
    config = recipe(
        pictures,
        steps=3,
        batch__subjects=4,
        data__held_out_share=0,
        optimiser__lr=0.01,
        optimiser__ema_decay=ema_decay,
        optimiser__trained_share=0.25,
    )

    train(config, start, tmp_path / "run")

    # then: to the last digit of float32
    saved = weights(tmp_path / "run")
    whole = torch.load(tmp_path / "run" / "state.pt")[trained]
    for name in ("stem.weight", "norm.bias", "head.weight", "head.bias"):
        way = whole[f"network.{name}"] - first[name]
        assert way.any(), name
        assert torch.allclose(saved[name], first[name] + 0.25 * way, rtol=0, atol=1e-7), name


def test_the_saved_whitening_fits_the_saved_weights(tmp_path, rng):
    # given: one batch, which holds every picture once; any crop of one colour is that colour
    data = tmp_path / "data"
    names = [f"{subject}/{number}.png" for subject in "abcd" for number in "123"]
    for name in names:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        colour = tuple(rng.integers(0, 256, 3).tolist())
        Image.new("RGB", (32, 32), colour).save(data / name)
    config = recipe(
        data,
        data__kind="folder",
        data__held_out_share=0,
        steps=2,
        batch__subjects=4,
        batch__views=3,
        views__size_px=24,
        whitening__views=12,
        whitening__ridge=2.0,
        optimiser__lr=0.01,
        optimiser__ema_decay=0.9,
        **{name.replace(".", "__"): value for name, value in PLAIN_VIEWS.items()},
    )

    # when
    train(config, network(), tmp_path / "run")

    # then
    saved = checkpoint.load(tmp_path / "run", build=lambda _: TinyNet())
    images = [Image.open(data / name).convert("RGB") for name in names]
    plain = dataclasses.replace(saved, whitening=None)
    rows = torch.from_numpy(encoder_of(plain).encode(images))
    expected = whitening.fit(rows, torch.arange(4).repeat_interleave(3), ridge=2.0)
    assert torch.allclose(saved.whitening.centre, expected.centre, atol=1e-4)
    assert torch.allclose(saved.whitening.projection, expected.projection, atol=1e-3)
    # and: it is not the one that training began with
    begun = dict(torch.load(tmp_path / "run" / "state.pt")["module"])["whitening.centre"]
    assert not torch.allclose(begun, saved.whitening.centre, atol=1e-3)


def test_what_holds_on_to_the_start_sees_it_through_the_whitening(pictures, tmp_path, monkeypatch):
    # given
    banks = []

    class Recording(trainer.CombinedLoss):
        def __init__(self, config, bank):
            super().__init__(config, bank)
            banks.append(bank)

    monkeypatch.setattr(trainer, "CombinedLoss", Recording)
    config = recipe(
        pictures,
        steps=1,
        batch__subjects=4,
        data__held_out_share=0,
        whitening__views=16,
        loss__anchor_photo_weight=0.2,
    )

    # when
    train(config, network(), tmp_path / "run")

    # then
    state = torch.load(tmp_path / "run" / "state.pt")["module"]
    begun = Whitening(state["whitening.centre"], state["whitening.projection"])
    start = encoder_of(dataclasses.replace(network(), whitening=begun))
    rows = start.encode([Image.open(path).convert("RGB") for path in sorted(pictures.iterdir())])
    assert banks[-1].numpy() == pytest.approx(rows, abs=1e-5)


def test_an_encoder_keeps_its_whitening_where_none_is_fitted(pictures, tmp_path, rng):
    # given: an encoder with one, and a rate at which nothing moves
    turn, _ = np.linalg.qr(rng.normal(size=(16, 16)))
    begun = Whitening(torch.full((16,), 0.1), torch.from_numpy(turn))
    start = dataclasses.replace(network(), whitening=begun)
    config = recipe(pictures, steps=1, batch__subjects=4, optimiser__lr=1e-9)

    result = train(config, start, tmp_path / "run")

    saved = checkpoint.load(tmp_path / "run", build=lambda _: TinyNet())
    assert torch.equal(saved.whitening.centre, begun.centre)
    assert torch.equal(saved.whitening.projection, begun.projection)
    assert result.start == pytest.approx(result.best, abs=1e-6)


def test_what_is_measured_is_what_is_saved(pictures, tmp_path):
    config = recipe(
        pictures,
        steps=2,
        batch__subjects=4,
        whitening__views=16,
        data__held_out_share=0.5,
        optimiser__lr=0.01,
        optimiser__trained_share=0.5,
    )

    result = train(config, network(), tmp_path / "run")

    saved = checkpoint.load(tmp_path / "run", build=lambda _: TinyNet())
    encoder = encoder_of(saved)
    held_out = HeldOut(open_split(config.data, seed=config.seed).held_out, config, PREPROCESS)

    def embed(pixels):
        return torch.from_numpy(encoder.encode([Image.fromarray(part) for part in pixels.numpy()]))

    assert held_out.measure(embed) == pytest.approx(dict(result.best), abs=1e-6)


def test_an_encoder_can_be_saved_in_half_the_bytes(pictures, tmp_path):
    config = recipe(
        pictures, steps=1, batch__subjects=4, data__held_out_share=0, saved_precision="fp16"
    )

    train(config, network(), tmp_path / "run")

    assert weights(tmp_path / "run")["head.weight"].dtype == torch.float16
    state = torch.load(tmp_path / "run" / "state.pt")["module"]
    assert state["network.head.weight"].dtype == torch.float32


def test_measuring_a_part_of_the_way_does_not_turn_the_training(pictures, tmp_path):
    # given: the served weights are measured after every step, or only at the end
    states = []
    for name, every in (("often", 1), ("once", 4)):
        config = recipe(
            pictures,
            steps=4,
            batch__subjects=4,
            optimiser__lr=0.01,
            optimiser__ema_decay=0.9,
            optimiser__trained_share=0.5,
            evaluate_every=every,
        )
        train(config, network(), tmp_path / name)
        states.append(torch.load(tmp_path / name / "state.pt"))

    # then
    assert len(states[0]["progress"]["history"]) == 4
    assert_equal_weights(states[0]["module"], states[1]["module"])
    assert_equal_weights(states[0]["averages"], states[1]["averages"])


def test_views_of_their_own_size_train_and_the_input_size_is_measured_and_saved(pictures, tmp_path):
    seen = {True: set(), False: set()}

    class Watching(TinyNet):
        def forward(self, inputs):
            seen[self.training].add(tuple(inputs.shape[1:]))
            return super().forward(inputs)

    start = network()
    object.__setattr__(start, "module", Watching())
    config = recipe(
        pictures,
        steps=2,
        batch__subjects=4,
        size_px=32,
        views__size_px=24,
        loss__relation_weight=0.1,
    )

    train(config, start, tmp_path / "run")

    # then: both sizes are tried once at the start, without training
    assert seen == {True: {(3, 24, 24)}, False: {(3, 32, 32), (3, 24, 24)}}
    saved = checkpoint.load(tmp_path / "run", build=lambda config: TinyNet())
    assert (saved.preprocess.size_px, saved.preprocess.resize_px) == (32, 32)


def test_pictures_are_measured_at_the_input_size_alone(pictures, tmp_path):
    # given: a network that remembers how many pictures of each size it embedded
    counts: dict[int, int] = {}

    class Watching(TinyNet):
        def forward(self, inputs):
            if not self.training and len(inputs) > 1:
                counts[inputs.shape[-1]] = counts.get(inputs.shape[-1], 0) + len(inputs)
            return super().forward(inputs)

    start = network()
    object.__setattr__(start, "module", Watching())
    config = recipe(
        pictures, steps=1, batch__subjects=4, views__size_px=24, data__held_out_share=0.25
    )

    train(config, start, tmp_path / "run")

    # then: 4 held-out pictures, an edited view and a drawing of each, before and after the step
    assert counts == {16: 2 * 3 * 4}


# Resuming


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
    config = recipe(pictures, **({"steps": 6, "batch__subjects": 4} | settings), checkpoint_every=3)
    straight, first, second = Log(), Log(raises_at=5), Log()
    train(config, network(), tmp_path / "straight", open_trackers=lambda total: [straight])

    # when: a run dies in its fifth step and goes on from the state of its third
    killed = tmp_path / "killed"
    with pytest.raises(KeyboardInterrupt):
        train(config, network(), killed, open_trackers=lambda total: [first])
    train(config, network(), killed, is_resumed=True, open_trackers=lambda total: [second])

    # then
    assert first.is_closed
    assert second.curve("loss") == straight.curve("loss")[3:]
    assert second.curve("lr") == straight.curve("lr")[3:]
    assert_equal_weights(weights(killed), weights(tmp_path / "straight"))
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
    assert_equal_weights(weights(tmp_path / "run"), weights(tmp_path / "straight"))


def test_a_finished_run_resumes_to_its_end(pictures, tmp_path):
    config = recipe(pictures, steps=2, batch__subjects=4)
    result = train(config, network(), tmp_path / "run")
    before = weights(tmp_path / "run")

    again = train(config, network(), tmp_path / "run", is_resumed=True)

    assert again == result
    assert_equal_weights(weights(tmp_path / "run"), before)


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
    before = weights(tmp_path / "run")

    with pytest.raises(CheckpointMismatch, match=reason) as error:
        train(recipe(pictures, **first, **settings), other, tmp_path / "run", is_resumed=True)

    assert error.value.code == "ml:checkpoint-mismatch"
    assert_equal_weights(weights(tmp_path / "run"), before)


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


# Steps


def test_accumulated_batches_move_the_weights_as_one_large_batch(pictures, tmp_path):
    # given: a loss that is a mean over rows, views that are the pictures, and no dropout
    settings = {
        "steps": 2,
        "data__held_out_share": 0,
        "optimiser__lr": 0.01,
        "loss__triplet_weight": 0.0,
        "loss__info_nce_weight": 0.0,
        "loss__anchor_photo_weight": 1.0,
        "loss__relation_weight": 1.0,
    }
    plain = {name.replace(".", "__"): value for name, value in PLAIN_VIEWS.items()}

    # when
    for name, subjects, accumulate in (("small", 2, 4), ("large", 8, 1)):
        start = network()
        start.module.drop.p = 0.0
        config = recipe(
            pictures,
            **settings,
            **plain,
            batch__subjects=subjects,
            batch__accumulate=accumulate,
        )
        train(config, start, tmp_path / name)

    # then
    small, large = weights(tmp_path / "small"), weights(tmp_path / "large")
    assert not torch.equal(small["head.weight"], network().module.state_dict()["head.weight"])
    for name in small:
        assert torch.allclose(small[name], large[name], atol=1e-5), name


def test_frozen_parameters_and_statistics_stay(pictures, tmp_path):
    start = network()
    before = {name: value.clone() for name, value in start.module.state_dict().items()}
    config = recipe(
        pictures, steps=2, batch__subjects=4, optimiser__lr=0.01, tune__freeze=("stem.*",)
    )

    train(config, start, tmp_path / "run")

    after = weights(tmp_path / "run")
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed == {"norm.weight", "norm.bias", "head.weight", "head.bias"}


def test_lora_runs_leave_a_plain_network(pictures, tmp_path):
    start = network()
    before = {name: value.clone() for name, value in start.module.state_dict().items()}
    config = recipe(
        pictures,
        steps=3,
        batch__subjects=4,
        optimiser__lr=0.05,
        tune__lora_rank=2,
        tune__lora_targets=("head",),
    )

    train(config, start, tmp_path / "run")

    after = weights(tmp_path / "run")
    changed = {name for name in before if not torch.equal(after[name], before[name])}
    assert after.keys() == before.keys()
    assert changed == {"head.weight"}
    assert np.linalg.matrix_rank(after["head.weight"] - before["head.weight"], tol=1e-4) == 2


def test_bf16_trains_float32_weights(pictures, tmp_path):
    config = recipe(pictures, steps=2, batch__subjects=4, precision="bf16")

    train(config, network(), tmp_path / "run")

    kinds = {tensor.dtype for tensor in weights(tmp_path / "run").values()}
    assert kinds == {torch.float32, torch.int64}  # the integer counts batch norm's batches
    assert json.loads((tmp_path / "run" / "training.json").read_text())["precision"] == "bf16"


def test_the_learning_rate_rises_and_falls():
    rates = [schedule(step, 10, warm_up=0.4, final=0.2) for step in range(10)]

    falling = [0.2 + 0.8 * (1 + math.cos(math.pi * place / 5)) / 2 for place in range(6)]
    assert rates == pytest.approx([0.25, 0.5, 0.75, 1.0, *falling])


@pytest.mark.parametrize(("total", "rates"), [(1, [1.0]), (2, [1.0, 0.0])], ids=["1", "2"])
def test_the_shortest_runs_have_a_rate(total, rates):
    assert [schedule(step, total, warm_up=0.0, final=0.0) for step in range(total)] == rates


# Stopping


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


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_good_encoder(pictures, tmp_path):
    # given: a network that returns NaN from its seventh batch of training on
    class Breaking(TinyNet):
        def forward(self, inputs):
            self.calls = getattr(self, "calls", 0) + self.training
            return super().forward(inputs) * (1.0 if self.calls < 7 else float("nan"))

    start = network()
    breaking = Breaking()
    breaking.load_state_dict(start.module.state_dict())
    object.__setattr__(start, "module", breaking)
    config = recipe(pictures, steps=9, batch__subjects=4, evaluate_every=2, checkpoint_every=2)

    # when
    with pytest.raises(TrainingDiverged) as error:
        train(config, start, tmp_path / "run")

    # then
    assert error.value.code == "ml:training-diverged"
    assert error.value.context == {"step": 6}
    assert "stays saved" in str(error.value)
    kept = weights(tmp_path / "run")
    assert all(torch.isfinite(tensor).all() for tensor in kept.values())
    assert torch.load(tmp_path / "run" / "state.pt")["progress"]["step"] == 6


def test_weights_that_are_no_numbers_are_not_saved(pictures, tmp_path):
    # given: a finite loss whose gradient is not
    class Bad(torch.autograd.Function):
        @staticmethod
        def forward(ctx, inputs):
            return inputs.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient * float("nan")

    class Breaking(TinyNet):
        def forward(self, inputs):
            return Bad.apply(super().forward(inputs))

    start = network()
    object.__setattr__(start, "module", Breaking())
    config = recipe(pictures, steps=1, batch__subjects=4, data__held_out_share=0)

    with pytest.raises(TrainingDiverged, match="no encoder was saved"):
        train(config, start, tmp_path / "run")

    assert not (tmp_path / "run" / checkpoint.WEIGHTS).exists()


# What is refused


def test_a_folder_with_a_run_is_not_overwritten(pictures, tmp_path):
    config = recipe(pictures, steps=1, batch__subjects=4)
    train(config, network(), tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    opened = []

    with pytest.raises(RunFolderInUse) as error:
        train(config, network(), tmp_path / "run", open_trackers=opened.append)

    assert error.value.code == "ml:run-folder-in-use"
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    assert opened == []


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        pytest.param({"precision": "fp16"}, InvalidTrainingConfig, id="fp16 without CUDA"),
        pytest.param({"tune__freeze": ("x",)}, InvalidTrainingConfig, id="pattern"),
        pytest.param({"style__layers": ("x",)}, InvalidTrainingConfig, id="layer"),
        pytest.param(
            {"style__layers": ("head",)}, InvalidTrainingConfig, id="layer without feature maps"
        ),
        pytest.param(
            {"views__drawing_weights": {"x": 1}}, InvalidTrainingConfig, id="kind of drawing"
        ),
        pytest.param({"data__kind": "folder"}, InvalidTrainingData, id="no subjects"),
        pytest.param({"data__path": "empty"}, NoPictures, id="empty folder"),
    ],
)
def test_a_run_that_cannot_be_leaves_nothing(settings, error, pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    config = recipe(pictures, **({"steps": 1} | settings))

    with pytest.raises(error):
        train(config, network(), tmp_path / "run")

    assert not (tmp_path / "run").exists()


def test_a_size_that_the_network_does_not_take_is_refused(pictures, tmp_path):
    class Fixed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.head = torch.nn.Linear(3 * 16 * 16, 4)

        def forward(self, inputs):
            return self.head(inputs.flatten(1))

    start = network()
    object.__setattr__(start, "module", Fixed())

    with pytest.raises(InvalidTrainingConfig, match="does not take pictures of 32 px"):
        train(recipe(pictures, steps=1, size_px=32), start, tmp_path / "run")


def test_another_size_is_saved_with_the_encoder(pictures, tmp_path):
    config = recipe(pictures, steps=1, batch__subjects=4, size_px=32)

    train(config, network(), tmp_path / "run")

    saved = checkpoint.load(tmp_path / "run", build=lambda config: TinyNet())
    assert (saved.preprocess.size_px, saved.preprocess.resize_px) == (32, 32)


def test_a_file_in_the_folder_s_place_is_refused(pictures, tmp_path):
    (tmp_path / "run").write_text("mine")

    with pytest.raises(OutputUnwritable):
        train(recipe(pictures, steps=1), network(), tmp_path / "run")

    assert (tmp_path / "run").read_text() == "mine"
