import hashlib
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from ml.errors import InvalidTrainingData, NoPictures
from ml.training.config import DataConfig
from ml.training.data.pictures import open_split
from tests.unit.ml.training.tiny import write_blocks


def names(pictures):
    return [picture.entry.name for picture in pictures.pictures]


def subjects(*names, each=2):
    return [f"{name}/{number}.png" for name in names for number in range(each)]


def test_no_subject_is_on_both_sides_of_the_split(tmp_path, rng):
    write_blocks(tmp_path, subjects("a", "b", "c", "d", "e"), rng)

    split = open_split(DataConfig(path=str(tmp_path), held_out_share=0.4), seed=3)

    sides = [
        {picture.entry.label for picture in side.pictures} for side in (split.train, split.held_out)
    ]
    assert [len(side) for side in sides] == [3, 2]
    assert sides[0] & sides[1] == set()


def test_the_same_seed_holds_out_the_same(tmp_path, rng):
    write_blocks(tmp_path, [f"{number}.png" for number in range(20)], rng)
    config = DataConfig(path=str(tmp_path), kind="made", held_out_share=0.3)

    first, again, other = (open_split(config, seed=seed).held_out for seed in (1, 1, 2))

    assert names(first) == names(again)
    assert names(first) != names(other)


def test_files_that_are_no_pictures_are_named_and_left_out(tmp_path, rng):
    # given: a text with a picture's name, and a picture that is cut short
    write_blocks(tmp_path, subjects("a", "b"), rng)
    (tmp_path / "a" / "bad.png").write_text("no picture")
    whole = (tmp_path / "b" / "0.png").read_bytes()
    (tmp_path / "b" / "cut.png").write_bytes(whole[:60])

    split = open_split(DataConfig(path=str(tmp_path), held_out_share=0), seed=0)

    assert names(split.train) == subjects("a", "b")
    assert [file.name for file in split.left_out()] == ["a/bad.png", "b/cut.png"]


def test_listed_files_that_are_missing_are_left_out(tmp_path, rng):
    write_blocks(tmp_path, ["1.png", "2.png", "3.png"], rng)
    rows = [{"anchor": "1.png", "positive": "2.png"}, {"anchor": "3.png", "positive": "4.png"}]
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))

    split = open_split(DataConfig(path=str(path), kind="pairs", held_out_share=0), seed=0)

    assert names(split.train) == ["1.png", "2.png", "3.png"]
    assert [file.name for file in split.left_out()] == ["4.png"]


def test_copies_of_one_file_are_one_picture_of_made_data(tmp_path, rng):
    write_blocks(tmp_path, ["a.png", "b.png"], rng)
    shutil.copy(tmp_path / "a.png", tmp_path / "c.png")

    split = open_split(DataConfig(path=str(tmp_path), kind="made", held_out_share=0), seed=0)

    assert names(split.train) == ["a.png", "b.png"]
    assert [(file.name, file.reason) for file in split.left_out()] == [
        ("c.png", "the same file as a.png")
    ]


def test_a_file_of_two_subjects_counts_for_the_first_and_twice_for_the_same(tmp_path, rng):
    write_blocks(tmp_path, ["a/1.png", "b/1.png", "b/2.png"], rng)
    shutil.copy(tmp_path / "a/1.png", tmp_path / "a/2.png")
    shutil.copy(tmp_path / "a/1.png", tmp_path / "b/3.png")

    split = open_split(DataConfig(path=str(tmp_path), kind="folder", held_out_share=0), seed=0)

    assert names(split.train) == ["a/1.png", "a/2.png", "b/1.png", "b/2.png"]
    assert [(file.name, file.reason) for file in split.left_out()] == [
        ("b/3.png", "the same file as a/1.png")
    ]


@pytest.mark.parametrize(
    ("files", "kind", "reason"),
    [
        pytest.param(["a/1.png", "b/1.png"], "folder", "two readable", id="one picture each"),
        pytest.param(["a/1.png", "a/2.png"], "folder", "one subject only", id="one subject"),
        pytest.param(["1.png"], "made", "one subject only", id="one picture"),
    ],
)
def test_data_without_positives_or_negatives_are_refused(files, kind, reason, tmp_path, rng):
    write_blocks(tmp_path, files, rng)

    with pytest.raises(InvalidTrainingData, match=reason) as error:
        open_split(DataConfig(path=str(tmp_path), kind=kind, held_out_share=0), seed=0)

    assert error.value.code == "ml:invalid-training-data"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        pytest.param([*subjects("a"), "b/1.png"], "beside those held out", id="no other pair"),
        pytest.param(["b/1.png", "c/1.png"], "two readable", id="no pair at all"),
    ],
)
def test_a_subject_of_one_picture_is_not_held_out(files, reason, tmp_path, rng):
    write_blocks(tmp_path, files, rng)

    with pytest.raises(InvalidTrainingData, match=reason):
        open_split(DataConfig(path=str(tmp_path), held_out_share=0.5), seed=0)


def test_held_out_pictures_without_a_pair_are_refused(tmp_path, rng):
    write_blocks(tmp_path / "train", subjects("a", "b"), rng)
    write_blocks(tmp_path / "held", ["c/1.png", "d/1.png"], rng)
    config = DataConfig(path=str(tmp_path / "train"), held_out_path=str(tmp_path / "held"))

    with pytest.raises(InvalidTrainingData, match="No held-out subject"):
        open_split(config, seed=0)


def test_a_folder_of_nothing_but_broken_files_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")

    with pytest.raises(NoPictures, match="None of the 1 pictures"):
        open_split(DataConfig(path=str(tmp_path), kind="made"), seed=0)


def test_a_held_out_file_that_is_trained_on_is_refused(tmp_path, rng):
    write_blocks(tmp_path / "train", ["a.png", "b.png"], rng)
    write_blocks(tmp_path / "held", ["c.png"], rng)
    shutil.copy(tmp_path / "train" / "b.png", tmp_path / "held" / "d.png")
    config = DataConfig(
        path=str(tmp_path / "train"), kind="made", held_out_path=str(tmp_path / "held")
    )

    with pytest.raises(InvalidTrainingData, match=r"d\.png is trained on"):
        open_split(config, seed=0)


def test_the_manifest_has_every_file_and_one_hash(tmp_path, rng):
    write_blocks(tmp_path, subjects("a", "b", "c"), rng)
    config = DataConfig(path=str(tmp_path), held_out_share=0.3)

    manifest = open_split(config, seed=0).manifest()

    assert {file["name"]: file["sha256"] for file in manifest["files"]} == {
        name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in subjects("a", "b", "c")
    }
    assert sorted(file["part"] for file in manifest["files"]) == ["held_out"] * 2 + ["train"] * 4
    # and: a changed picture, and nothing else, changes the hash
    assert open_split(config, seed=0).manifest()["sha256"] == manifest["sha256"]
    Image.new("RGB", (40, 40), "red").save(tmp_path / "a" / "0.png")
    assert open_split(config, seed=0).manifest()["sha256"] != manifest["sha256"]


def test_a_cache_holds_pictures_small_and_as_they_were(tmp_path):
    Image.new("RGB", (64, 32), (10, 20, 30)).save(tmp_path / "wide.png")
    Image.new("RGB", (6, 9), (1, 2, 3)).save(tmp_path / "small.png")
    config = DataConfig(path=str(tmp_path), kind="made", held_out_share=0, cache_px=16)

    train = open_split(config, seed=0).train
    shutil.rmtree(tmp_path)

    small, wide = (train.pixels(index, min_side_px=1) for index in range(2))
    assert (small.shape, wide.shape) == ((9, 6, 3), (16, 32, 3))
    assert np.unique(wide.reshape(-1, 3), axis=0).tolist() == [[10, 20, 30]]


def test_a_file_that_disappears_later_is_our_error(tmp_path, rng):
    write_blocks(tmp_path, ["a.png", "b.png"], rng)
    train = open_split(DataConfig(path=str(tmp_path), kind="made", held_out_share=0), seed=0).train
    (tmp_path / "a.png").unlink()

    with pytest.raises(InvalidTrainingData, match=r"a\.png could be read before"):
        train.pixels(0, min_side_px=1)
