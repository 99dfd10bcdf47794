import numpy as np
import pytest

from ml.detection.base import Detection, detections_of
from ml.types import Box


def boxes_of(*corners, width=20, height=10):
    rows = np.array(corners, dtype=np.float64).reshape(-1, 4)
    confidences = np.linspace(0.9, 0.5, len(rows))
    found = detections_of(rows, confidences, ["dog"] * len(rows), width=width, height=height)
    return [(each.box.x0, each.box.y0, each.box.x1, each.box.y1) for each in found]


@pytest.mark.parametrize(
    ("corners", "box"),
    [
        ((1.4, 2.6, 7.4, 8.6), (1, 3, 7, 9)),
        ((-5, -5, 30, 30), (0, 0, 20, 10)),
        ((3.1, 3.1, 3.3, 3.3), (3, 3, 4, 4)),
        ((19.6, 9.7, 19.9, 9.9), (19, 9, 20, 10)),
        ((19.9, 0, 400, 10), (19, 0, 20, 10)),
    ],
    ids=["rounded", "cut", "a pixel at least", "in the last pixel", "beyond the side"],
)
def test_a_box_is_whole_pixels_of_the_picture(corners, box):
    assert boxes_of(corners) == [box]


@pytest.mark.parametrize(
    "corners",
    [
        (20, 0, 25, 5),
        (-5, 0, 0, 5),
        (0, 10, 5, 12),
        (5, 5, 5, 8),
        (8, 2, 4, 6),
        (np.nan, 0, 5, 5),
        (0, 0, np.inf, 5),
    ],
    ids=["right", "left", "below", "no width", "turned over", "nan", "infinite"],
)
def test_what_has_no_part_in_the_picture_is_left_out(corners):
    assert boxes_of((1, 1, 3, 3), corners) == [(1, 1, 3, 3)]


def test_the_most_confident_comes_first_and_names_are_lower_case():
    rows = np.array([[0, 0, 5, 5], [5, 5, 9, 9], [1, 1, 2, 2]], dtype=np.float32)

    found = detections_of(
        rows, np.array([0.25, 0.75, 0.25]), ["Cat", " Hot Dog", "b"], width=9, height=9
    )

    assert found == (
        Detection(Box(5, 5, 9, 9), "hot dog", 0.75),
        Detection(Box(0, 0, 5, 5), "cat", 0.25),
        Detection(Box(1, 1, 2, 2), "b", 0.25),
    )


def test_nothing_found_is_nothing():
    assert detections_of(np.zeros((0, 4)), np.zeros(0), [], width=5, height=5) == ()
