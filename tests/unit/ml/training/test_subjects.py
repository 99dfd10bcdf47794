import cv2
import numpy as np
import pytest

from ml.training.subjects import subject_mask

GROUND, COLOUR = (200, 210, 190), (180, 30, 40)


def with_rectangle(shape, top, left, bottom, right):
    """A picture of plain ground with a plain rectangle, and the (H, W) bool of its pixels."""
    picture = np.full((*shape, 3), GROUND, np.uint8)
    truth = np.zeros(shape, bool)
    truth[top:bottom, left:right] = True
    picture[truth] = COLOUR
    return picture, truth


def overlap(mask, truth):
    """Intersection over union."""
    found = mask > 0
    return (found & truth).sum() / (found | truth).sum()


@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(((128, 128), 32, 32, 96, 96), id="in the middle"),
        pytest.param(((120, 160), 35, 50, 85, 110), id="a wide picture"),
        pytest.param(((300, 100), 60, 20, 200, 80), id="a high picture"),
        pytest.param(((128, 128), 24, 40, 84, 110), id="off the middle"),
        pytest.param(((600, 900), 150, 300, 450, 700), id="a large picture"),
    ],
)
def test_a_plain_thing_on_plain_ground_is_found(scene):
    picture, truth = with_rectangle(*scene)

    mask = subject_mask(picture)

    assert (mask.shape, mask.dtype) == (truth.shape, np.uint8)
    assert set(np.unique(mask).tolist()) == {0, 255}
    assert overlap(mask, truth) >= 0.9


@pytest.mark.parametrize("colour", [0, 100, 255, (10, 200, 30)], ids=str)
@pytest.mark.parametrize("shape", [(16, 16), (64, 64), (90, 300)], ids=str)
def test_where_nothing_stands_out_all_of_the_picture_is_the_subject(shape, colour):
    assert (subject_mask(np.full((*shape, 3), colour, np.uint8)) == 255).all()


def test_a_thing_that_fills_nearly_everything_is_all_of_the_picture():
    picture, _ = with_rectangle((128, 128), 4, 4, 124, 124)

    assert (subject_mask(picture) == 255).all()


@pytest.mark.parametrize("shape", [(16, 16), (16, 700), (700, 16), (17, 33)], ids=str)
def test_extreme_shapes_have_a_mask_of_their_size(shape, rng):
    picture = rng.integers(0, 256, (*shape, 3), np.uint8)

    mask = subject_mask(picture)

    assert mask.shape == shape
    assert set(np.unique(mask).tolist()) <= {0, 255}
    assert mask.any()


def test_the_mask_depends_on_the_picture_alone(rng):
    picture = cv2.resize(rng.integers(0, 256, (9, 9, 3), np.uint8), (120, 90))
    before = picture.copy()

    first = subject_mask(picture)
    cv2.setRNGSeed(77)
    cv2.randu(np.empty((9, 9), np.uint8), 0, 255)
    second = subject_mask(picture)

    assert np.array_equal(first, second)
    assert np.array_equal(picture, before)
