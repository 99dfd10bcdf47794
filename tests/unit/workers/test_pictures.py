import pytest
from PIL import Image

from ml.types import Box
from workers.pictures import UprightPicture


@pytest.fixture
def halved() -> UprightPicture:
    """An original of 200 × 100 px decoded at half its size, red on the left and green right."""
    image = Image.new("RGB", (100, 50), "red")
    image.paste("green", (50, 0, 100, 50))
    return UprightPicture(image, width=200, height=100)


def test_a_crop_is_of_the_boxs_pixels_and_of_its_size(halved: UprightPicture) -> None:
    part = halved.crop(Box(100, 20, 180, 60))

    assert (part.width, part.height, part.image.size) == (80, 40, (40, 20))
    assert part.image.getcolors() == [(800, (0, 128, 0))]


def test_a_crop_of_all_is_the_picture_itself(halved: UprightPicture) -> None:
    assert halved.crop(Box(0, 0, 200, 100)) is halved


@pytest.mark.parametrize("box", [Box(199, 99, 200, 100), Box(0, 0, 1, 100), Box(7, 99, 8, 100)])
def test_a_crop_has_a_pixel_at_least(halved: UprightPicture, box: Box) -> None:
    part = halved.crop(box)

    assert min(part.image.size) >= 1
    assert (part.width, part.height) == (box.width, box.height)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Box(0, 0, 100, 50), Box(0, 0, 200, 100)),
        (Box(10, 5, 11, 6), Box(20, 10, 22, 12)),
        (Box(99, 49, 100, 50), Box(198, 98, 200, 100)),
    ],
)
def test_boxes_come_back_to_the_original(halved: UprightPicture, found: Box, expected: Box) -> None:
    assert halved.on_original(found) == expected


def test_a_box_that_goes_there_and_back_stays_within_a_decoded_pixel() -> None:
    picture = UprightPicture(Image.new("RGB", (333, 250)), width=1000, height=751)

    for box in (Box(3, 5, 998, 749), Box(100, 100, 101, 101), Box(640, 0, 1000, 751)):
        part = picture.crop(box)
        back = part.on_original(Box(0, 0, *part.image.size))
        assert (back.width, back.height) == (box.width, box.height)
