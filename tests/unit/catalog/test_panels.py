"""Panels that a person draws: kept with the image, and indexed in place of what was found."""

import pytest

from catalog import services
from catalog.models import Image
from kernel.errors import UserInputError
from kernel.regions import MAX_PANELS
from tests.pictures import BLUE, RED, plain

pytestmark = pytest.mark.django_db

Status = Image.Status
WIDTH, HEIGHT = 60, 40


def drawn(image: Image) -> tuple[object, str]:
    image.refresh_from_db()
    return image.drawn_panels, image.status


@pytest.mark.parametrize(
    ("boxes", "kept"),
    [
        ([(0, 0, 30, 40), (30, 0, 60, 40)], [[0, 0, 30, 40], [30, 0, 60, 40]]),
        ([(0, 0, 30, 40), (0, 0, 30, 40)], [[0, 0, 30, 40]]),
        ([], []),
        (None, None),
    ],
)
def test_what_is_drawn_is_kept_and_that_image_alone_waits(add_image, boxes, kept):
    image = add_image(plain(RED), status=Status.INDEXED, drawn_panels=[[0, 0, 16, 16]])
    other = add_image(plain(BLUE), status=Status.INDEXED)

    services.draw_panels(image.pk, boxes)

    assert drawn(image) == (kept, Status.QUEUED)
    assert drawn(other) == (None, Status.INDEXED)


@pytest.mark.parametrize(
    "boxes",
    [
        [(-1, 0, 30, 40)],
        [(0, 0, WIDTH + 1, HEIGHT)],
        [(0, 0, WIDTH, HEIGHT + 1)],
        [(0, 0, 30, 40), (0, 0, services.MIN_SIDE_PX - 1, 40)],
        [(30, 0, 10, 40)],
        [(0, 0, 16 + number, 16) for number in range(MAX_PANELS + 1)],
    ],
)
def test_boxes_that_are_no_panels_change_nothing(add_image, boxes):
    image = add_image(plain(RED), status=Status.INDEXED)

    with pytest.raises(UserInputError) as error:
        services.draw_panels(image.pk, boxes)

    assert error.value.code == "image:user:bad-panels"
    assert drawn(image) == (None, Status.INDEXED)


def test_an_image_that_is_being_deleted_is_left_alone(add_image):
    image = add_image(plain(RED), status=Status.DELETING)

    services.draw_panels(image.pk, [])

    assert drawn(image) == (None, Status.DELETING)
