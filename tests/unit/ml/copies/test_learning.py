import json

import numpy as np
import pytest
from PIL import Image

from ml.copies import judge
from ml.copies.learning.__main__ import main
from ml.copies.learning.examples import examples, pairs
from ml.trees.boosted import load_trees
from tests.unit.ml.copies.scenes import scene


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(3):
        Image.fromarray(scene(seed)).save(folder / f"{seed}.png")
    return folder


def test_examples_say_what_is_true_of_pairs_that_lie_on_each_other(photos, rng):
    made = list(pairs(sorted(photos.iterdir()), 0, rng))

    assert {pair.is_copy for pair in made} == {True, False}
    learned = list(examples(iter(made)))
    assert 0 < len(learned) <= len(made)
    for example in learned:
        assert example.row.shape == (len(judge.FEATURES),)
        assert np.isfinite(example.row).all()


def test_the_command_writes_the_same_judge_for_the_same_seed(photos, tmp_path, capsys):
    outputs = [tmp_path / name for name in ("first.json", "second.json")]

    for output in outputs:
        words = ["--photos", str(photos), "--output", str(output), "--designs", "4"]
        assert main([*words, "--trees", "3", "--seed", "4"]) == 0

    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    stored = json.loads(outputs[0].read_text())
    assert (stored["designs"], stored["seed"]) == (4, 4)
    assert load_trees(outputs[0])["copy"].names == judge.FEATURES
    assert "of them copies" in capsys.readouterr().out


def test_a_folder_without_photos_is_refused(tmp_path, capsys):
    words = ["--output", str(tmp_path / "judge.json"), "--photos"]

    assert main([*words, str(tmp_path / "none")]) == 2
    assert main([*words, str(tmp_path)]) == 2

    said = capsys.readouterr().err
    assert "There is no folder" in said
    assert "There are no pictures" in said
