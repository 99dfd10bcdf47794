import numpy as np
import pytest

from ml.__main__ import main
from tests.contract.encoder.checkpoints import CLIP_DIM, save_clip
from tests.unit.ml.training.tiny import write_blocks

pytestmark = pytest.mark.usefixtures("_restored_logging")


def test_a_folder_is_embedded_and_what_was_left_out_is_said(tmp_path, rng, capsys):
    data = write_blocks(tmp_path / "data", ["a.png", "b.png"], rng)
    (data / "broken.png").write_text("no picture")
    output = tmp_path / "out.npz"
    encoder = f"clip:{save_clip(tmp_path / 'clip')}"

    status = main(
        [
            *("inference", "--data-path", str(data), "--encoder", encoder),
            *("--output", str(output), "--device", "cpu"),
        ]
    )

    embedded, broken, total = capsys.readouterr().out.splitlines()
    assert status == 0
    assert embedded == f"2 embeddings of {CLIP_DIM} numbers in {output}"
    assert broken.startswith("left out: broken.png: ")
    assert total == "Files left out: 1"
    with np.load(output) as file:
        assert file["embeddings"].shape == (2, CLIP_DIM)


def test_an_encoder_that_does_not_exist_is_one_sentence_and_status_2(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    status = main(
        [
            *("--mode", "inference", "--data-path", "none", "--output", "out.npz"),
            *("--encoder", "nobody"),
        ]
    )

    said = capsys.readouterr().err
    assert status == 2
    assert "There is no encoder 'nobody'" in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
