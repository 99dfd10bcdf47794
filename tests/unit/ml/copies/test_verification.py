import math
from dataclasses import astuple

import cv2
import numpy as np
import pytest

from ml.copies.features import extract
from ml.copies.homography import Homography
from ml.copies.verification import Placement, verify
from tests.unit.ml.copies.scenes import (
    blurred,
    cut,
    jpeg,
    pasted,
    resized,
    scene,
    warped,
    written_over,
)

WIDTH, HEIGHT = 320, 240
WHOLE = [(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)]
# Where a corner may be found: 1.5 % of the longest side.
NEAR_PX = 5


@pytest.mark.parametrize("seed", range(5))
def test_an_outline_that_rounding_moves_is_still_all_of_the_frame(seed):
    """So are the outlines of identical pictures, of which OpenCV loses up to half."""
    off = np.random.default_rng(seed).normal(0, 1e-14, (3, 3))

    shares = Homography(np.eye(3) + off, WIDTH, HEIGHT).overlaps(WIDTH, HEIGHT)

    assert shares == pytest.approx((1, 1), abs=1e-6)


@pytest.mark.parametrize(
    ("moved", "shares"),
    [
        ((160, 0), (0.5, 0.5)),
        ((0, -180), (0.25, 0.25)),
        ((-80, 60), (0.75 * 0.75, 0.75 * 0.75)),
        ((320, 0), (0, 0)),
        ((-500, 900), (0, 0)),
    ],
    ids=str,
)
def test_overlaps_of_a_moved_picture_are_rectangles(moved, shares):
    matrix = np.array([(1, 0, moved[0]), (0, 1, moved[1]), (0, 0, 1)], np.float64)

    assert Homography(matrix, WIDTH, HEIGHT).overlaps(WIDTH, HEIGHT) == pytest.approx(shares)


def test_the_overlap_of_a_turned_square_is_an_octagon():
    """Two unit squares, one turned by an eighth about their middle, share 2 (√2 - 1)."""
    turn = cv2.getRotationMatrix2D((50, 50), 45, 1)
    matrix = np.vstack([turn, (0, 0, 1)])

    shares = Homography(matrix, 100, 100).overlaps(100, 100)

    assert shares == pytest.approx([2 * (math.sqrt(2) - 1)] * 2, rel=1e-6)


def turned(degrees):
    """The scene turned about its middle on a larger ground, and its corners there."""
    width, height = 400, 340
    angle = math.radians(degrees)
    quad = [
        (
            width / 2 + math.cos(angle) * (x - WIDTH / 2) - math.sin(angle) * (y - HEIGHT / 2),
            height / 2 + math.sin(angle) * (x - WIDTH / 2) + math.cos(angle) * (y - HEIGHT / 2),
        )
        for x, y in WHOLE
    ]
    return warped(scene(1), quad, width, height), quad


def padded():
    ground = np.full((2 * HEIGHT, 2 * WIDTH, 3), (200, 30, 90), np.uint8)
    return pasted(scene(1), ground, 160, 120)


def inside():
    return pasted(resized(scene(1), 200, 150), scene(2, 480, 360), 250, 180)


KEYSTONE = [(20, 30), (300, 0), (310, 240), (0, 220)]
# Edit → the copy, and where the original's four corners lie in it.
EDITS = {
    "identical": (lambda: scene(1), WHOLE),
    "crop": (lambda: cut(scene(1), 70, 50, 245, 182), [(x - 70, y - 50) for x, y in WHOLE]),
    "turned 15": (lambda: turned(15)[0], turned(15)[1]),
    "turned 90": (lambda: np.rot90(scene(1), 3), [(240, 0), (240, 320), (0, 320), (0, 0)]),
    "mirrored": (lambda: scene(1)[:, ::-1], [(320, 0), (0, 0), (0, 240), (320, 240)]),
    "upside down in a mirror": (lambda: scene(1)[::-1], [(0, 240), (320, 240), (320, 0), (0, 0)]),
    "text": (lambda: written_over(scene(1), "when you see"), WHOLE),
    "colour": (lambda: (scene(1) * np.array([0.5, 0.8, 0.6]) + 40).astype(np.uint8), WHOLE),
    "grey": (lambda: scene(1).mean(axis=2, keepdims=True).repeat(3, axis=2).astype("u1"), WHOLE),
    "blur": (lambda: blurred(scene(1), 1.5), WHOLE),
    "jpeg": (lambda: jpeg(scene(1), 30), WHOLE),
    "padding": (padded, [(160 + x, 120 + y) for x, y in WHOLE]),
    "inside": (inside, [(250 + x * 0.625, 180 + y * 0.625) for x, y in WHOLE]),
    "half": (lambda: resized(scene(1), 160, 120), [(x / 2, y / 2) for x, y in WHOLE]),
    "wider": (lambda: resized(scene(1), 480, 240), [(x * 1.5, y) for x, y in WHOLE]),
    "keystone": (lambda: warped(scene(1), KEYSTONE, 320, 240), KEYSTONE),
}


def outline_of(placement):
    return np.array([astuple(point) for point in placement.outline])


@pytest.mark.parametrize("edit", EDITS, ids=str)
def test_an_edited_copy_is_found_where_it_is(edit):
    make, quad = EDITS[edit]
    original, copy = extract(scene(1)), extract(make())

    found = verify(original, copy)

    assert isinstance(found, Placement)
    assert np.abs(outline_of(found) - quad).max() <= NEAR_PX
    assert found.is_mirrored is ("mirror" in edit)
    assert found.inliers >= 15
    assert found.agreement >= 0.6


@pytest.mark.parametrize("edit", EDITS, ids=str)
def test_asked_the_other_way_round_the_original_is_found_in_the_copy(edit):
    make, quad = EDITS[edit]
    copy = make()
    height, width = copy.shape[:2]
    back = cv2.getPerspectiveTransform(np.array(quad, np.float32), np.array(WHOLE, np.float32))
    corners = np.array([[(0, 0), (width, 0), (width, height), (0, height)]], np.float32)
    expected = cv2.perspectiveTransform(corners, back)[0]

    found = verify(extract(copy), extract(scene(1)))

    assert isinstance(found, Placement)
    assert np.abs(outline_of(found) - expected).max() <= 2 * NEAR_PX
    assert found.is_mirrored is ("mirror" in edit)


@pytest.mark.parametrize(
    ("edit", "original_percent", "copy_percent"),
    [
        ("identical", 100, 100),
        ("crop", 100 * 175 * 132 / (320 * 240), 100),
        ("padding", 100, 25),
        ("inside", 70 * 100 / 70, 100 * 200 * 150 / (480 * 360)),
        ("mirrored", 100, 100),
        ("half", 100, 100),
    ],
    ids=str,
)
def test_overlaps_are_shares_of_either_picture(edit, original_percent, copy_percent):
    found = verify(extract(scene(1)), extract(EDITS[edit][0]()))

    assert found.query_overlap_percent == pytest.approx(original_percent, abs=3)
    assert found.candidate_overlap_percent == pytest.approx(copy_percent, abs=3)


@pytest.mark.parametrize("seed", range(2, 12), ids=str)
def test_another_picture_is_no_copy(seed):
    assert verify(extract(scene(1)), extract(scene(seed))) is None


def test_a_caption_on_two_different_pictures_makes_no_copy():
    first, second = (written_over(scene(seed), "when you see") for seed in (1, 2))

    assert verify(extract(first), extract(second)) is None


def test_a_logo_on_two_different_pictures_makes_no_copy():
    logo = resized(scene(3), 64, 48)
    first, second = (pasted(logo, scene(seed), 10, 180) for seed in (1, 2))

    assert verify(extract(first), extract(second)) is None


def tiles(seed, across=8):
    """One small picture again and again: every feature has many that look the same."""
    return np.tile(scene(seed, 40, 40), (6, across, 1))


def words(seed):
    """Lines of the same letters in another order."""
    rng = np.random.default_rng(seed)
    page = np.full((HEIGHT, WIDTH, 3), 250, np.uint8)
    for line in range(8):
        text = "".join(rng.choice(list("abcdefghijk "), 24))
        cv2.putText(page, text, (4, 26 + 28 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    return page


STRIPES = (
    np.tile(np.repeat([0, 255], 8), 20)[None, :, None].repeat(240, 0).repeat(3, 2).astype("u1")
)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (tiles(3), tiles(4)),
        (STRIPES, STRIPES.transpose(1, 0, 2)[:240]),
        (words(1), words(2)),
        (tiles(3), scene(1)),
    ],
    ids=["other tiles", "stripes", "other words", "tiles and a scene"],
)
def test_repeated_patterns_make_no_copy(first, second):
    assert verify(extract(first), extract(second)) is None


@pytest.mark.parametrize(
    "picture",
    [
        np.full((240, 320, 3), 90, np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        scene(1)[:, :1],
        scene(1)[:1],
        scene(1)[:12, :12],
        np.random.default_rng(1).integers(0, 256, (30, 6000, 3), np.uint8),
    ],
    ids=["one colour", "one pixel", "1 px wide", "1 px high", "tiny", "a strip of noise"],
)
def test_pictures_without_much_in_them_are_no_copies_and_no_failures(picture):
    assert verify(extract(picture), extract(scene(1))) is None
    assert verify(extract(scene(1)), extract(picture)) is None
    assert verify(extract(picture[:, ::-1]), extract(np.zeros((9, 9, 3), np.uint8))) is None


def test_a_part_is_found_in_a_huge_panorama():
    panorama = np.concatenate([scene(seed, 900, 300) for seed in range(20, 26)], axis=1)

    found = verify(extract(cut(panorama, 1500, 0, 3000, 300)), extract(panorama))

    assert isinstance(found, Placement)
    expected = [(1500, 0), (3000, 0), (3000, 300), (1500, 300)]
    assert np.abs(outline_of(found) - expected).max() <= 0.015 * 5400


def test_the_same_two_pictures_give_the_same_answer():
    original, copy = extract(scene(1)), extract(inside())
    first = verify(original, copy)
    cv2.setRNGSeed(99)
    cv2.randu(np.empty((9, 9), np.uint8), 0, 255)

    assert verify(original, copy) == first
