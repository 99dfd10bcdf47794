"""Each check beside a proposal that only it has a reason to refuse."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ml.copies import plausibility as checks
from ml.copies.features import extract
from ml.copies.homography import Homography
from ml.copies.plausibility import Proposal
from tests.unit.ml.copies.scenes import scene

WIDTH, HEIGHT = 320, 240
FIRST = extract(scene(1))
# The features of scene 1 with the lights and darks of scene 2.
OTHER = replace(FIRST, thumbnail=extract(scene(2)).thumbnail)
EVERY = np.repeat(np.arange(len(FIRST))[:, None], 2, axis=1)


def proposal(matrix=None, *, candidate=FIRST, pairs=EVERY):
    """Scene 1 beside a candidate; all features paired with themselves unless said otherwise."""
    chosen = np.eye(3) if matrix is None else np.array(matrix, float)
    return Proposal(FIRST, candidate, Homography(chosen, WIDTH, HEIGHT), pairs)


def scaled(x, y):
    return np.diag([x, y, 1.0])


def moved(x, y):
    return [(1, 0, x), (0, 1, y), (0, 0, 1)]


def leaning(slope):
    """Depth 1 at the middle and changing by `slope` from left to right."""
    matrix = np.eye(3)
    matrix[2] = (slope / WIDTH, 0, 1 - slope / 2)
    return matrix


def in_the_corner():
    points = FIRST.points()
    return EVERY[np.linalg.norm(points - points[0], axis=1) < 25]


def test_a_picture_on_itself_is_plausible():
    assert proposal().is_plausible
    assert all(check(proposal()) for check in checks.CHECKS)


@pytest.mark.parametrize(
    ("check", "refused"),
    [
        (checks.has_enough_inliers, proposal(pairs=EVERY[:7])),
        (checks.has_enough_positions, proposal(pairs=EVERY[[0] * 300])),
        (checks.is_seen_from_the_front, proposal(leaning(0.8))),
        (checks.is_seen_from_the_front, proposal(leaning(2.5))),
        (checks.keeps_its_shape, proposal(scaled(1.0, 0.3))),
        (checks.keeps_its_shape, proposal(scaled(0.04, 0.04))),
        (checks.keeps_its_shape, proposal(scaled(25, 25))),
        (checks.keeps_its_shape, proposal([(-1, 0, WIDTH), (0, 1, 0), (0, 0, 1)])),
        (checks.overlaps_enough, proposal(moved(290, 200))),
        (checks.overlaps_enough, proposal(moved(400, 0))),
        (checks.is_spread_over_the_overlap, proposal(pairs=in_the_corner())),
        (checks.finds_much_again, proposal(pairs=EVERY[:39])),
        (checks.finds_much_again, proposal(candidate=OTHER, pairs=EVERY[:45])),
        (checks.looks_the_same, proposal(candidate=OTHER)),
    ],
    ids=[
        *("7 inliers", "one place", "receding", "behind the viewer", "a strip", "too small"),
        *(
            "too large",
            "mirrored",
            "a corner",
            "beside",
            "a logo",
            "little again",
            "little alike",
            "other tones",
        ),
    ],
)
def test_a_check_refuses_what_it_is_for(check, refused):
    assert not check(refused)
    assert not refused.is_plausible


@pytest.mark.parametrize(
    ("check", "accepted"),
    [
        (checks.has_enough_inliers, proposal(pairs=EVERY[:8])),
        (checks.is_seen_from_the_front, proposal(leaning(0.5))),
        (checks.keeps_its_shape, proposal(scaled(1.0, 0.5))),
        (checks.keeps_its_shape, proposal(scaled(0.1, 0.1))),
        (checks.overlaps_enough, proposal(moved(160, 120))),
        (checks.finds_much_again, proposal(candidate=OTHER, pairs=EVERY[: len(EVERY) // 4])),
        (checks.finds_much_again, proposal(pairs=EVERY[:40])),
    ],
    ids=[
        "8 inliers",
        "askew",
        "squeezed",
        "a tenth",
        "a quarter in common",
        "a quarter again",
        "40",
    ],
)
def test_a_check_lets_pass_what_copies_do(check, accepted):
    assert check(accepted)


@pytest.mark.parametrize("slope", [0.0, 0.4, -0.4], ids=str)
def test_the_depth_ratio_is_that_of_the_corners(slope):
    homography = proposal(leaning(slope)).homography

    near, far = 1 - abs(slope) / 2, 1 + abs(slope) / 2
    assert homography.depth_ratio() == pytest.approx(near / far)


def test_stretches_are_those_of_a_small_step_from_the_middle():
    matrix = np.array([(0.8, 0.3, 5), (-0.2, 1.1, 9), (0.0004, -0.0003, 1)])
    middle, step = np.array([WIDTH / 2, HEIGHT / 2]), 1e-4
    around = middle + np.array([(0, 0), (step, 0), (0, step)])
    mapped = cv2.perspectiveTransform(around[None], matrix)[0]
    lengths = np.linalg.svd((mapped[1:] - mapped[0]).T / step, compute_uv=False)

    assert proposal(matrix).homography.stretches == pytest.approx(tuple(lengths), rel=1e-3)


def test_overlaps_are_counted_pixel_by_pixel():
    """Under a slight perspective, by asking for every pixel of either where it lies."""
    matrix = np.array([(0.7, 0.1, 140), (-0.1, 0.8, 70), (0.0005, 0.0002, 0.9)])
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    pixels = np.stack([x.ravel(), y.ravel()], axis=1)[None]

    def share(each):
        points = cv2.perspectiveTransform(pixels, each)[0]
        return ((points >= 0) & (points <= (WIDTH, HEIGHT))).all(axis=1).mean()

    expected = (share(matrix), share(np.linalg.inv(matrix)))
    assert proposal(matrix).overlaps == pytest.approx(expected, abs=0.005)
    assert 0.1 < min(expected) < max(expected) < 0.9


def test_agreement_is_blind_to_brightness_and_sees_the_negative():
    darker = extract((scene(1) * 0.5 + 20).astype(np.uint8))
    negative = extract(255 - scene(1))

    nobody = EVERY[:0]
    assert proposal(candidate=darker, pairs=nobody).agreement > 0.99
    assert proposal(candidate=negative, pairs=nobody).agreement < -0.99
    plain = extract(np.full((240, 320, 3), 7, np.uint8))
    assert proposal(candidate=plain, pairs=nobody).agreement == 0.0
