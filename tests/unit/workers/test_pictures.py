import numpy as np
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


@pytest.mark.parametrize(
    "box", [Box(3, 5, 998, 749), Box(100, 100, 101, 101), Box(640, 0, 1000, 751)]
)
def test_a_crop_lies_within_a_decoded_pixel_of_its_box(box: Box) -> None:
    # given a picture of a third of its size, whose pixels say where they are
    y, x = np.mgrid[0:250, 0:333].astype(np.uint8)
    high = (np.arange(333) >> 8).astype(np.uint8)
    image = Image.fromarray(np.stack([x, y, np.broadcast_to(high, x.shape)], axis=2))
    picture = UprightPicture(image, width=1000, height=751)

    part = np.asarray(picture.crop(box).image).astype(int)

    first, last = part[0, 0], part[-1, -1]
    places = first[0] + 256 * first[2], first[1], last[0] + 256 * last[2] + 1, last[1] + 1
    expected = [
        side * scale
        for side, scale in zip(
            (box.x0, box.y0, box.x1, box.y1), (0.333, 250 / 751) * 2, strict=True
        )
    ]
    assert places == pytest.approx(expected, abs=1)
