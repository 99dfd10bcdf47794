import pillow_heif
import pytest
from PIL import Image

from ml.rules.file_types import (
    FORMATS,
    PICTURE_ENDINGS,
    UNSUPPORTED_ENDINGS,
    ending_of,
    is_picture_name,
)

pillow_heif.register_heif_opener()


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("photo.jpg", True),
        ("PHOTO.JPG", True),
        ("a.b.jfif", True),
        ("scan.hif", True),
        (".hidden.jpg", False),
        (".jpg", False),
        ("photo.jpg.txt", False),
        ("drawing.svg", False),
        ("photo", False),
        ("", False),
    ],
)
def test_a_picture_is_known_by_the_ending_of_its_name(name, is_one):
    assert is_picture_name(name) == is_one


def test_an_ending_is_in_lower_case_with_its_dot():
    assert ending_of("album.1/Photo.JPeG") == ".jpeg"
    assert ending_of("album.1/photo") == ""


def test_endings_and_formats_belong_together():
    """Pillow's own table of endings is the oracle; a .dib is mostly a BMP with another name."""
    of_browsers = {".pjpeg": "JPEG", ".pjp": "JPEG"}
    known = Image.registered_extensions() | of_browsers

    assert {known[ending] for ending in PICTURE_ENDINGS} == {*FORMATS, "DIB"}
    assert {known.get(ending) for ending in UNSUPPORTED_ENDINGS}.isdisjoint(FORMATS)
