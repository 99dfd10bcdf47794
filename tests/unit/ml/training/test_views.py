from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ml.errors import InvalidTrainingConfig, InvalidTrainingData
from ml.training.config import ViewConfig
from ml.training.data import views
from ml.training.data.batches import load
from ml.training.data.pictures import Picture, PictureSet
from ml.training.data.sampler import ViewRequest
from ml.training.data.sources import Entry
from ml.training.data.views import ViewMaker
from ml.training.drawings import KINDS
from tests.unit.ml.training.tiny import blocks

PLAIN = ViewConfig(
    photo_share=1.0,
    photo_area=1.0,
    flip=0.0,
    colour=0.0,
    grey=0.0,
    blur=0.0,
    jpeg=0.0,
    background=0.0,
    copy_edit=0.0,
)


def pictures_of(*arrays):
    return PictureSet(
        tuple(
            Picture(Entry(Path(str(index)), str(index), str(index)), str(index), pixels)
            for index, pixels in enumerate(arrays)
        ),
        (),
        (),
        max_pixels=1_000_000,
    )


def request(picture=0, medium="photo", seed=(1, 2, 3)):
    return ViewRequest(picture, picture, medium, is_made=medium != "photo", seed=seed)


def subject_on_grey(side_px=96):
    """A red square in the middle of grey."""
    pixels = np.full((side_px, side_px, 3), 128, np.uint8)
    pixels[side_px // 3 : -side_px // 3, side_px // 3 : -side_px // 3] = (220, 20, 20)
    return pixels


def test_a_view_without_edits_is_nearly_the_picture(rng):
    # given: a crop of all its area is cut by its changed shape alone
    pixels = np.full((64, 64, 3), (10, 200, 90), np.uint8)

    view = ViewMaker(pictures_of(pixels), PLAIN, size_px=32).make(request())

    assert (view.pixels.shape, view.pixels.dtype) == ((32, 32, 3), np.uint8)
    assert np.unique(view.pixels.reshape(-1, 3), axis=0).tolist() == [[10, 200, 90]]
    assert (view.label, view.medium, view.picture) == (0, "photo", 0)


@pytest.mark.parametrize("medium", ["photo", *KINDS])
def test_equal_requests_give_equal_views_and_other_seeds_others(medium, rng):
    pixels = np.asarray(blocks(rng, 96))
    maker = ViewMaker(pictures_of(pixels, np.asarray(blocks(rng, 96))), ViewConfig(), size_px=64)
    before = pixels.copy()

    first, again = (maker.make(request(medium=medium)).pixels for _ in range(2))
    other = maker.make(request(medium=medium, seed=(9, 9))).pixels

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (5, 7)], ids=str)
@pytest.mark.parametrize("medium", ["photo", "contours"])
def test_pictures_of_any_shape_make_views(shape, medium):
    every_edit = ViewConfig(
        flip=1.0, colour=1.0, grey=1.0, blur=1.0, jpeg=1.0, background=1.0, copy_edit=1.0
    )
    pixels = np.full((*shape, 3), 77, np.uint8)

    view = ViewMaker(pictures_of(pixels), every_edit, size_px=24).make(request(medium=medium))

    assert view.pixels.shape == (24, 24, 3)


def test_another_background_leaves_the_subject():
    every_background = replace(PLAIN, background=1.0)
    others = [np.full((40, 40, 3), shade, np.uint8) for shade in (0, 255)]
    maker = ViewMaker(pictures_of(subject_on_grey(), *others), every_background, size_px=96)

    corners = set()
    for seed in range(12):
        view = maker.make(request(seed=(seed,))).pixels.astype(int)
        assert np.abs(view[48, 48] - (220, 20, 20)).max() <= 2
        corners.add(tuple(view[2, 2].tolist()))

    assert (128, 128, 128) not in corners
    assert len(corners) >= 6  # black and white return: they are the other pictures


def test_a_picture_whose_subject_is_not_found_stays_whole():
    config = replace(PLAIN, background=1.0)
    plain = np.full((48, 48, 3), 60, np.uint8)

    view = ViewMaker(pictures_of(plain), config, size_px=32).make(request())

    assert np.unique(view.pixels).tolist() == [60]


@pytest.mark.parametrize("index", range(4), ids=["words", "turn", "border", "inside"])
def test_each_of_what_people_do_to_a_copy_is_done(index, monkeypatch):
    # given: a green picture, a blue one that it may be placed inside, and one edit alone
    green, blue = (np.full((64, 64, 3), colour, np.uint8) for colour in ((0, 200, 0), (0, 0, 200)))
    monkeypatch.setattr(views, "_COPY_EDITS", views._COPY_EDITS[index : index + 1])
    maker = ViewMaker(pictures_of(green, blue), replace(PLAIN, copy_edit=1.0), size_px=64)

    made = [maker.make(request(seed=(seed,))).pixels.astype(int) for seed in range(8)]

    for view in made:
        is_green = np.abs(view - (0, 200, 0)).max(axis=2) <= 8
        assert view.shape == (64, 64, 3)
        assert 0.02 < is_green.mean() < 1
        rim = np.concatenate([view[0], view[-1], view[:, 0], view[:, -1]])
        if index == 0:  # the black stroke around small letters
            assert (view[~is_green].max(axis=1) <= 8).any()
        elif index == 1:  # black corners and nothing else
            assert (view[[0, 0, -1, -1], [0, -1, 0, -1]] <= 8).all()
            assert view[32, 32].tolist() == [0, 200, 0]
        elif index == 2:  # one colour all around
            assert len(np.unique(rim, axis=0)) == 1
            assert is_green[20:44, 20:44].all()
        else:  # blue, and no third colour but at the seam
            assert ((np.abs(view - (0, 0, 200)).max(axis=2) <= 8) | is_green).mean() > 0.7
            assert not is_green.all()


def test_copies_edits_come_by_chance():
    green = np.full((64, 64, 3), (0, 200, 0), np.uint8)
    maker = ViewMaker(pictures_of(green, green), replace(PLAIN, copy_edit=0.5), size_px=64)

    made = [maker.make(request(seed=(seed,))).pixels for seed in range(64)]

    # one in 16 has none of four; a green picture inside a green one shows as none, too
    assert 1 <= sum((view == (0, 200, 0)).all() for view in made) <= 20


def test_an_unknown_kind_of_drawing_is_refused(rng):
    config = ViewConfig(drawing_weights={"doodle": 1.0})

    with pytest.raises(InvalidTrainingConfig, match="doodle"):
        ViewMaker(pictures_of(np.zeros((8, 8, 3), np.uint8)), config, size_px=16)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_order_whoever_makes_them(workers, rng):
    pictures = pictures_of(*(np.asarray(blocks(rng)) for _ in range(3)))
    maker = ViewMaker(pictures, ViewConfig(), size_px=16)
    kinds = {2: "photo", 1: "pencil"}
    requests = [
        [request(index, kind, seed=(number, index)) for index, kind in kinds.items()]
        for number in range(4)
    ]

    loaded = list(load(maker, requests, media=["pencil", "photo"], workers=workers))

    for number, batch in enumerate(loaded):
        made = [maker.make(each).pixels for each in requests[number]]
        assert torch.equal(batch.pixels, torch.from_numpy(np.stack(made)))
        assert batch.batch.labels.tolist() == [2, 1]
        assert batch.batch.sources.tolist() == [2, 1]
        assert batch.batch.media.tolist() == [1, 0]
        assert batch.batch.is_drawing.tolist() == [False, True]
    assert len(loaded) == 4


@pytest.mark.parametrize("workers", [0, 1])
def test_a_file_that_disappears_is_one_sentence_whoever_finds_out(workers, tmp_path):
    missing = Picture(Entry(tmp_path / "gone.png", "gone.png", "a"), "0")
    maker = ViewMaker(PictureSet((missing,), (), (), 1000), PLAIN, size_px=16)

    with pytest.raises(InvalidTrainingData) as error:
        list(load(maker, [[request()]], media=["photo"], workers=workers))

    assert str(error.value).startswith("gone.png could be read before")
    assert "Traceback" not in str(error.value)
