import io

import pytest
from PIL import Image

from bench.edits import half_mirrored_jpeg60
from tests.pictures import BLUE, GREEN, RED, YELLOW, corners, encoded


def is_near(pixel: tuple[int, ...], colour: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) < 25


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(half_mirrored_jpeg60(data)))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_copy_is_half_the_size_and_mirrored(kind: str) -> None:
    copy = opened(encoded(corners(128, 64), kind))

    assert (copy.format, copy.size, copy.mode) == ("JPEG", (64, 32), "RGB")
    assert is_near(copy.getpixel((10, 6)), GREEN)
    assert is_near(copy.getpixel((54, 6)), RED)
    assert is_near(copy.getpixel((10, 26)), YELLOW)
    assert is_near(copy.getpixel((54, 26)), BLUE)


def test_the_copys_quality_is_60() -> None:
    # Source: ITU T.81, table K.1, first value 16, scaled as libjpeg does: 16 · (200 − 2·60) / 100.
    copy = opened(encoded(corners(128, 64)))

    assert copy.quantization[0][0] == 13


@pytest.mark.parametrize(("size", "half"), [((1, 1), (1, 1)), ((3, 5), (1, 2)), ((1, 9), (1, 4))])
def test_the_smallest_pictures(size: tuple[int, int], half: tuple[int, int]) -> None:
    assert opened(encoded(Image.new("RGB", size))).size == half


def test_the_copy_of_a_turned_picture_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = corners(128, 64).transpose(Image.Transpose.ROTATE_90)

    copy = opened(encoded(stored, "JPEG", exif=exif))

    assert copy.size == (64, 32)
    assert is_near(copy.getpixel((54, 6)), RED)


@pytest.mark.parametrize("mode", ["RGBA", "L", "P", "1", "LA"])
def test_pictures_of_all_modes_are_copied(mode: str) -> None:
    assert opened(encoded(corners(64, 32).convert(mode))).size == (32, 16)
