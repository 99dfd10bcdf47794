import json

import numpy as np
import pytest

from ml.__main__ import main
from tests.contract.encoder.checkpoints import CLIP_DIM, save_clip
from tests.unit.ml.training.tiny import write_blocks

KEY = "fedcba9876543210" * 2 + "76543210"


pytestmark = pytest.mark.usefixtures("_restored_logging")


def everything_written(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_train_resume_and_embed_the_whole_way(tmp_path, rng, capsys):
    # given: pictures, one of them broken, and an encoder's folder
    data = write_blocks(tmp_path / "data", [f"{number}.png" for number in range(8)], rng)
    (data / "broken.png").write_text("no picture")
    start, run = save_clip(tmp_path / "clip"), tmp_path / "run"
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"data": {"kind": "made"}, "batch": {"subjects": 4}, "steps": 9}))
    flags = [
        *("--mode", "train", "--data-path", str(data), "--save-model-path", str(run)),
        *("--recipe", str(recipe), "--encoder", f"clip:{start}", "--steps", "2"),
        *("--device", "cpu", "--precision", "fp32", "--tune-freeze", "tower.vision_model.e*"),
        *("--data-held-out-share", "0.25", "--loss-mining", "hard", "--seed", "3"),
    ]

    # when
    trained = main(flags)
    resumed = main([*flags, "--resume"])
    embedded = main(
        [
            *("--mode=inference", "--data-path", str(data), "--encoder", str(run)),
            *("--output", str(tmp_path / "out.npz"), "--device", "cpu"),
        ]
    )

    # then
    said = capsys.readouterr()
    assert (trained, resumed, embedded) == (0, 0, 0)
    assert said.out.count("Training finished after 2 steps") == 2
    assert said.out.count("left out: broken.png: ") == 3
    config = json.loads((run / "training.json").read_text())["config"]
    assert (config["steps"], config["seed"], config["loss"]["mining"]) == (2, 3, "hard")
    assert config["batch"]["subjects"] == 4
    assert config["tune"]["freeze"] == ["tower.vision_model.e*"]
    weights_sha256 = json.loads((run / "training.json").read_text())["weights_sha256"]
    with np.load(tmp_path / "out.npz") as file:
        assert file["names"].tolist() == sorted(f"{number}.png" for number in range(8))
        assert file["shape"].tolist() == [8, CLIP_DIM]
        assert file["weights_sha256"].item() == weights_sha256
    assert list((run / "tensorboard").iterdir()) != []
    assert list((run / "wandb").rglob("*.wandb")) != []


@pytest.mark.parametrize("flag", ["--wandb-key", "--wand-key"])
def test_a_key_is_taken_under_both_names_and_never_written(flag, tmp_path, rng, capsys, caplog):
    # given: a file where the service's folder should be, so that nothing is sent
    data = write_blocks(tmp_path / "data", [f"{number}.png" for number in range(4)], rng)
    run = tmp_path / "run"
    run.mkdir()
    (run / "wandb").write_text("")

    status = main(
        [
            *("--mode", "train", "--data-path", str(data), "--save-model-path", str(run)),
            *("--encoder", f"clip:{save_clip(tmp_path / 'clip')}", "--steps", "1"),
            *("--device", "cpu", "--data-kind", "made", flag, KEY),
        ]
    )

    said = capsys.readouterr()
    assert status == 0
    assert KEY not in said.out + said.err + caplog.text
    assert KEY.encode() not in everything_written(tmp_path)
    assert [record.getMessage() for record in caplog.records].count(
        "Weights & Biases is off for this run"
    ) == 1


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        pytest.param(
            [
                *("--mode", "train", "--data-path", "none", "--save-model-path", "run"),
                *("--steps", "1", "--epochs", "1"),
            ],
            "give either steps or epochs",
            id="two lengths",
        ),
        pytest.param(
            ["--mode", "train", "--save-model-path", "run", "--steps", "1"],
            "the data have no path",
            id="no data",
        ),
        pytest.param(
            ["--mode", "train", "--save-model-path", "run", "--views-drawing-weights", "{"],
            "is not a JSON object",
            id="no JSON",
        ),
        pytest.param(
            [
                *("--mode", "train", "--data-path", "none", "--save-model-path", "run"),
                *("--steps", "1", "--encoder", "nobody"),
            ],
            "There is no encoder 'nobody'",
            id="no encoder",
        ),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_status_2(
    flags, reason, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)

    status = main(flags)

    said = capsys.readouterr()
    assert status == 2
    assert reason in said.err
    assert said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_flags_of_training_are_listed(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--mode", "train", "--help"])

    said = capsys.readouterr().out
    assert end.value.code == 0
    for flag in ("--data-path", "--data-kind", "--save-model-path", "--wandb-key", "--wand-key"):
        assert flag in said
