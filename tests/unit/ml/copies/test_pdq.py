import cv2
import numpy as np
import pdqhash
import pytest

from ml.copies.pdq import (
    NEAR_IDENTICAL_BITS,
    HashDistance,
    Orientation,
    distance,
    oriented_hashes,
    pdq_hash,
    pdq_hash_of_all_pixels,
)
from ml.rules.hash_distance import MIN_QUALITY
from tests.unit.ml.copies.scenes import jpeg, scene

# What has to be done to a picture, by plain indexing, beside the name of it.
TURNS = {
    Orientation.AS_IT_IS: lambda p: p,
    Orientation.TURNED_LEFT: lambda p: p.transpose(1, 0, 2)[::-1],
    Orientation.UPSIDE_DOWN: lambda p: p[::-1, ::-1],
    Orientation.TURNED_RIGHT: lambda p: p.transpose(1, 0, 2)[:, ::-1],
    Orientation.MIRRORED: lambda p: p[:, ::-1],
    Orientation.MIRRORED_TURNED_LEFT: lambda p: p[:, ::-1].transpose(1, 0, 2)[::-1],
    Orientation.MIRRORED_UPSIDE_DOWN: lambda p: p[::-1],
    Orientation.MIRRORED_TURNED_RIGHT: lambda p: p[:, ::-1].transpose(1, 0, 2)[:, ::-1],
}


def test_the_bits_are_those_of_the_definition(rng):
    """64 × 64 pixels are not averaged: a cosine transform, cut at its median, is all of it."""
    picture = rng.integers(0, 256, (64, 64, 3), np.uint8)
    luma = picture @ np.array([0.299, 0.587, 0.114])
    frequency, position = np.arange(1, 17)[:, None], np.arange(64)[None]
    cosines = np.cos(np.pi / 128 * frequency * (2 * position + 1))
    transformed = cosines @ luma @ cosines.T

    found = np.unpackbits(pdq_hash(picture).bits)

    # The last bit is the lowest frequency's.
    expected = (transformed > np.median(transformed)).ravel()[::-1]
    assert (found != expected).sum() <= 2  # the two next to the median may be rounded over it


@pytest.mark.parametrize(
    ("width", "height"),
    [(320, 240), (300, 5), (63, 64), (65, 129), (130, 511), (512, 512), (512, 17)],
    ids=str,
)
def test_the_bits_and_the_quality_are_those_of_the_reference(width, height):
    picture = scene(3, width, height)
    bits, quality = pdqhash.compute(picture)

    found = pdq_hash(picture)

    assert np.array_equal(np.unpackbits(found.bits), bits)
    assert found.quality == quality


@pytest.mark.parametrize(("width", "height"), [(320, 240), (1300, 900), (700, 1999)], ids=str)
def test_all_pixels_are_hashed_as_the_reference_does(width, height):
    picture = scene(3, width, height)
    bits, quality = pdqhash.compute(picture)

    found = pdq_hash_of_all_pixels(picture)

    assert (np.unpackbits(found.bits) != bits).sum() == 0
    assert found.quality == quality


@pytest.mark.parametrize("shape", [(4, 300), (300, 4)], ids=str)
def test_too_short_pictures_have_no_bits_as_in_the_reference(shape, rng):
    picture = rng.integers(0, 256, (*shape, 3), np.uint8)

    found = pdq_hash(picture)

    assert (found.bits.any(), found.quality) == (False, pdqhash.compute(picture)[1])


def test_every_orientation_is_tested():
    assert TURNS.keys() == set(Orientation)


@pytest.mark.parametrize("orientation", Orientation, ids=str)
def test_a_turned_picture_is_the_same_picture(orientation):
    picture = scene(1)
    turned = TURNS[orientation](picture)

    found = distance(oriented_hashes(picture)[1], pdq_hash(turned).bits)

    assert found == HashDistance(0, orientation)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda p: jpeg(p, 30), id="jpeg"),
        pytest.param(lambda p: p[::2, ::2], id="half the size"),
        pytest.param(lambda p: p.repeat(3, axis=0).repeat(3, axis=1), id="three times the size"),
        pytest.param(lambda p: (p * 0.6 + 60).astype(np.uint8), id="paler"),
        pytest.param(lambda p: jpeg(p[:, ::-1], 50), id="mirrored jpeg"),
    ],
)
def test_saved_again_it_is_near_identical_and_another_scene_is_not(edit):
    _, oriented = oriented_hashes(scene(1))

    assert distance(oriented, pdq_hash(edit(scene(1))).bits).bits <= NEAR_IDENTICAL_BITS
    assert distance(oriented, pdq_hash(edit(scene(2))).bits).bits >= 64


def test_the_first_orientation_is_the_pictures_own_hash():
    upright, oriented = oriented_hashes(scene(1))

    assert np.array_equal(upright.bits, pdq_hash(scene(1)).bits)
    assert upright.quality == pdq_hash(scene(1)).quality
    assert np.array_equal(oriented[0], upright.bits)


def test_a_thin_strip_is_hashed_as_its_shorter_copy_is(rng):
    # Each column 40 times: a strip that is not shrunk would take seconds to hash.
    columns = cv2.resize(rng.integers(0, 256, (60, 32, 3), np.uint8), (512, 60))
    strip = np.repeat(columns, 40, axis=1)

    assert distance(oriented_hashes(columns)[1], pdq_hash(strip).bits).bits <= 2


def test_the_distance_counts_bits():
    oriented = np.zeros((8, 32), np.uint8)
    oriented[:] = 0x0F
    oriented[4, :3] = (0b1, 0b110, 0)
    oriented[4, 3:] = 0

    assert distance(oriented, np.zeros(32, np.uint8)) == HashDistance(3, Orientation.MIRRORED)


@pytest.mark.parametrize("turns", range(4))
def test_a_negative_is_as_near_as_the_picture_itself(turns):
    upright = np.rot90(scene(1), turns)

    found = distance(oriented_hashes(~upright)[1], pdq_hash(scene(1)).bits)

    expected = distance(oriented_hashes(upright)[1], pdq_hash(scene(1)).bits)
    assert found.is_negative
    assert not expected.is_negative
    assert found.bits == pytest.approx(expected.bits, abs=4)
    assert found.orientation is expected.orientation


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 500), (500, 1), (3, 3), (64, 64), (60, 900), (1100, 600)], ids=str
)
def test_pictures_of_any_size_are_hashed_and_left_alone(shape, rng):
    picture = rng.integers(0, 256, (*shape, 3), np.uint8)
    before = picture.copy()

    found = pdq_hash(picture)

    assert (found.bits.shape, found.bits.dtype) == ((32,), np.uint8)
    assert oriented_hashes(picture)[1].shape == (8, 32)
    assert 0 <= found.quality <= 100
    assert np.array_equal(picture, before)


@pytest.mark.parametrize(
    ("picture", "is_reliable"),
    [
        (np.full((200, 300, 3), 130, np.uint8), False),
        (np.zeros((1, 1, 3), np.uint8), False),
        (scene(1), True),
    ],
    ids=["one colour", "one pixel", "a scene"],
)
def test_quality_says_whether_there_is_anything_to_hash(picture, is_reliable):
    found = pdq_hash(picture)

    assert found.is_reliable is is_reliable
    assert (found.quality >= MIN_QUALITY) is is_reliable


@pytest.mark.parametrize("orientation", list(Orientation))
def test_corners_lie_where_turning_a_picture_puts_them(orientation):
    # given a picture of its corners' numbers, clockwise from the upper left
    number = list(Orientation).index(orientation)
    corners = np.array([[0, 1], [3, 2]])
    turned = np.rot90(corners[:, ::-1] if number >= 4 else corners, number % 4)

    clockwise = [*turned[0], *turned[1, ::-1]]
    assert [clockwise.index(corner) for corner in range(4)] == list(orientation.corners)
