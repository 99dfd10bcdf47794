import numpy as np
import pytest
from PIL import Image

from ml.rules.orientation import turn_upright, turned, turned_size
from tests.pictures import encoded


def stored(orientation: int) -> Image.Image:
    """A picture whose rows are 1 2 3 and 4 5 6, with an orientation tag."""
    image = Image.fromarray(np.array([[1, 2, 3], [4, 5, 6]], np.uint8))
    image.getexif()[0x0112] = orientation
    return image


# Source: Exif 2.32, 4.6.4 A: where the stored first row and first column belong in the upright
# picture. Written out by hand.
UPRIGHT = {
    1: [[1, 2, 3], [4, 5, 6]],  # row 0 is the top, column 0 the left
    2: [[3, 2, 1], [6, 5, 4]],  # top, right
    3: [[6, 5, 4], [3, 2, 1]],  # bottom, right
    4: [[4, 5, 6], [1, 2, 3]],  # bottom, left
    5: [[1, 4], [2, 5], [3, 6]],  # left, top
    6: [[4, 1], [5, 2], [6, 3]],  # right, top
    7: [[6, 3], [5, 2], [4, 1]],  # right, bottom
    8: [[3, 6], [2, 5], [1, 4]],  # left, bottom
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_picture_is_turned_as_its_tag_says(orientation):
    image = stored(orientation)
    turn = turn_upright(image)

    upright = turned(image, turn)

    assert np.asarray(upright).tolist() == UPRIGHT[orientation]
    assert turned_size(image.size, turn) == upright.size


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation):
    assert turn_upright(stored(orientation)) is None


def test_a_picture_without_a_tag_stays_itself():
    image = Image.new("RGB", (3, 2))

    assert turn_upright(image) is None
    assert turned(image, None) is image
    assert turned_size((3, 2), None) == (3, 2)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_metadata_turn_nothing(tmp_path):
    path = tmp_path / "damaged.png"
    path.write_bytes(
        encoded(Image.new("RGB", (3, 2)), exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xffgarbage")
    )

    with Image.open(path) as image:
        assert turn_upright(image) is None
