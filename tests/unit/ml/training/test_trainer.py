import json

import pytest
import torch

from ml.encoders import checkpoint
from ml.errors import (
    InvalidTrainingConfig,
    InvalidTrainingData,
    NoPictures,
    OutputUnwritable,
    RunFolderInUse,
)
from ml.images.decode import decode
from ml.training.trainer import train
from tests.unit.ml.training.tiny import (
    Log,
    TinyNet,
    assert_equal_weights,
    network,
    recipe,
    saved_weights,
    write_blocks,
)


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


def test_a_small_network_learns_pictures_by_heart(tmp_path, rng):
    data = write_blocks(tmp_path / "data", [f"{number:02}.png" for number in range(16)], rng)
    folder = tmp_path / "run"
    config = recipe(
        data,
        steps=40,
        batch__subjects=16,
        optimiser__lr=0.01,
        loss__mining="hard",
        tune__is_batch_norm_frozen=False,
        data__held_out_share=0,
        views__photo_share=1.0,
        views__flip=0.0,
        views__colour=0.0,
        views__grey=0.0,
        views__blur=0.0,
        views__jpeg=0.0,
        views__background=0.0,
        views__copy_edit=0.0,
        views__photo_area=0.5,
    )

    train(config, network(), folder)

    # then: among all, the nearest to each picture's middle is that picture
    trained = checkpoint.load(folder, build=lambda config: TinyNet())
    encoder = trained.to_encoder(device=torch.device("cpu"), dtype=torch.float32, batch_size=16)
    images = [decode(path.read_bytes(), max_pixels=10_000) for path in sorted(data.iterdir())]
    middles = [image.crop((4, 4, 44, 44)) for image in images]
    nearest = (encoder.encode(middles) @ encoder.encode(images).T).argmax(axis=1)
    assert nearest.tolist() == list(range(16))


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

    assert_equal_weights(saved_weights(tmp_path / "one"), saved_weights(tmp_path / "two"))
    assert not torch.equal(
        saved_weights(tmp_path / "one")["head.weight"],
        saved_weights(tmp_path / "other")["head.weight"],
    )


def test_an_encoder_can_be_saved_in_half_the_bytes(pictures, tmp_path):
    config = recipe(
        pictures, steps=1, batch__subjects=4, data__held_out_share=0, saved_precision="fp16"
    )

    train(config, network(), tmp_path / "run")

    assert saved_weights(tmp_path / "run")["head.weight"].dtype == torch.float16
    state = torch.load(tmp_path / "run" / "state.pt")["module"]
    assert state["network.head.weight"].dtype == torch.float32


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


def test_a_file_in_the_folder_s_place_is_refused(pictures, tmp_path):
    (tmp_path / "run").write_text("mine")

    with pytest.raises(OutputUnwritable):
        train(recipe(pictures, steps=1), network(), tmp_path / "run")

    assert (tmp_path / "run").read_text() == "mine"
