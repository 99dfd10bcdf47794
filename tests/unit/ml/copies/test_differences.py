from dataclasses import replace

import cv2
import numpy as np
import pytest

from ml.copies.differences import differences
from ml.copies.features import extract
from ml.copies.homography import Homography
from tests.unit.ml.copies.scenes import blurred, cut, jpeg, pasted, resized, scene

WIDTH, HEIGHT = 320, 240
NOBODY = np.empty((0, 2))


def between(query, candidate, matrix=None):
    """What differs; the query lies on all of the candidate unless a matrix says otherwise."""
    ours, theirs = extract(np.ascontiguousarray(query)), extract(np.ascontiguousarray(candidate))
    if matrix is None:
        matrix = np.diag([theirs.width / ours.width, theirs.height / ours.height, 1.0])
    placed = Homography(np.array(matrix, float), ours.width, ours.height)
    return differences(ours, theirs, placed, NOBODY)


def page(words):
    drawn = np.full((HEIGHT, WIDTH, 3), 250, np.uint8)
    cv2.rectangle(drawn, (10, 10), (WIDTH - 10, HEIGHT - 10), (40, 60, 150), 4)
    for line, word in enumerate(words):
        at = (30, 70 + 45 * line)
        cv2.putText(drawn, word, at, cv2.FONT_HERSHEY_SIMPLEX, 0.9, (20, 20, 20), 2)
    return drawn


@pytest.mark.parametrize(
    "copy",
    [
        scene(1),
        jpeg(scene(1), 60),
        resized(scene(1), 192, 144),
        np.clip(scene(1) * 0.7 + 30, 0, 255).astype(np.uint8),
        blurred(scene(1), 1.0),
    ],
    ids=["itself", "saved again", "smaller", "darker", "softer"],
)
def test_saving_again_leaves_no_difference(copy):
    found = between(copy, scene(1))

    assert found.are_none()
    assert found.different < 0.01
    assert found.correlation > 0.85


def test_in_half_of_the_detail_a_grainy_copy_shows_the_same_and_other_content_does_not():
    rng = np.random.default_rng(4)
    grain = rng.normal(0, 14, (HEIGHT, WIDTH, 1))
    soft = np.clip(0.35 * blurred(scene(1), 2).astype(float) + 80 + grain, 0, 255)

    grainy = between(soft.astype(np.uint8), blurred(scene(1), 2))
    other = between(page(["Iron Mill", "4,200"]), page(["Tide Hall", "18,950"]))

    assert grainy.half_different < 0.5 * grainy.different
    assert grainy.half_correlation > grainy.correlation
    assert other.half_different > 0.5 * other.different


def test_something_on_top_is_one_difference_of_its_size():
    covered = pasted(cut(scene(2), 0, 0, 80, 60), scene(1), 120, 90)

    found = between(covered, scene(1))

    assert not found.are_none()
    assert found.largest == pytest.approx(80 * 60 / (WIDTH * HEIGHT), abs=0.03)
    assert found.different_area - found.largest < 0.01
    assert found.candidate_found == pytest.approx(1 - found.different, abs=0.1)


def test_other_words_in_the_same_frame_differ_in_many_places():
    found = between(page(["Iron Mill", "4,200", "Oil"]), page(["Tide Hall", "18,950", "Bronze"]))

    assert not found.are_none()
    assert found.in_both > 0.3
    assert found.plain > 0.5
    assert between(jpeg(page(["Iron Mill"]), 70), page(["Iron Mill"])).different < 0.02


def test_another_colour_is_seen_where_nothing_else_differs():
    recoloured = scene(1)[..., [2, 1, 0]]

    found = between(recoloured, scene(1))

    assert found.colour > 10
    assert not found.are_none()


def test_only_what_both_show_is_compared():
    part = cut(scene(1), 100, 60, 260, 180)
    moved = [(1, 0, 100), (0, 1, 60), (0, 0, 1)]

    assert between(part, scene(1), moved).are_none()
    assert between(part, scene(1), [(1, 0, WIDTH), (0, 1, 0), (0, 0, 1)]) is None


def test_a_mirrored_query_is_compared_as_it_lies():
    ours, theirs = extract(np.ascontiguousarray(scene(1)[:, ::-1])).mirrored(), extract(scene(1))
    placed = Homography(np.eye(3), WIDTH, HEIGHT)

    assert differences(ours, theirs, placed, NOBODY).are_none()


def test_a_negative_shows_the_same_with_its_tones_exchanged():
    ours, theirs = extract(~scene(1)), extract(scene(1))
    placed = Homography(np.eye(3), WIDTH, HEIGHT)

    assert differences(ours, theirs, placed, NOBODY).correlation < 0.2
    exchanged = replace(ours, is_negative=True)
    assert differences(exchanged, theirs, placed, NOBODY).different < 0.02


def test_inliers_say_where_the_pictures_agree():
    ground = np.full((HEIGHT, WIDTH, 3), 230, np.uint8)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(mask, (160, 120), (90, 70), 0, 0, 360, 1, -1)
    cut_out = np.where(mask[..., None] == 1, scene(1), ground)
    ours, theirs = extract(cut_out), extract(scene(1))
    angles = np.linspace(0, 2 * np.pi, 20)
    inliers = np.stack([160 + 60 * np.cos(angles), 120 + 45 * np.sin(angles)], axis=1)

    found = differences(ours, theirs, Homography(np.eye(3), WIDTH, HEIGHT), inliers)

    assert found.different > 0.3
    assert found.among_inliers < 0.05
    assert found.query_found > 0.6
