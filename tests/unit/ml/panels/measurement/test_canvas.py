import numpy as np
import pytest

from ml.panels.measurement.canvas import Content, find_content
from ml.types import Box
from tests.unit.ml.panels import pictures

PHOTOS = [(20, 30, 140, 120), (170, 40, 290, 160)]
SIZE = (310, 190)
REGION = Box(0, 0, *SIZE)


@pytest.mark.parametrize(
    "canvas",
    [(255, 255, 255), (12, 40, 90), pictures.gradient(SIZE, (250, 240, 200), (90, 120, 160))],
    ids=["white", "blue", "gradient"],
)
def test_photos_lie_on_a_canvas_of_one_colour_or_a_gradient(canvas):
    pixels = pictures.collage(PHOTOS, SIZE, canvas=canvas)

    content = find_content(pixels, REGION)

    assert content.joined_boxes(min_side_px=12) == [Box(*box) for box in PHOTOS]


def test_a_photo_to_its_rim_has_no_canvas():
    assert find_content(pictures.photo(2, *SIZE), REGION) is None


def content_of(*boxes):
    return Content(np.array(boxes, np.int32).reshape(-1, 4), np.zeros((1, 1), np.uint8))


def test_boxes_that_overlap_are_joined_and_small_ones_left_out():
    content = content_of((50, 60, 90, 99), (0, 0, 40, 30), (39, 20, 80, 70), (0, 80, 11, 140))

    assert content.joined_boxes(min_side_px=12) == [Box(0, 0, 90, 99)]


def test_boxes_that_touch_are_two_from_the_top():
    content = content_of((0, 30, 40, 60), (0, 0, 40, 30))

    assert content.joined_boxes(min_side_px=12) == [Box(0, 0, 40, 30), Box(0, 30, 40, 60)]
