from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as torchvision

from ml.encoders.base import PreprocessConfig
from ml.encoders.preprocess import to_pixels

CROPPED = PreprocessConfig(
    size_px=224,
    resize="shortest_side",
    resize_px=224,
    interpolation="bicubic",
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
)
CUT_FROM_LARGER = replace(CROPPED, resize_px=256)
SQUASHED = replace(CROPPED, resize="squash")


def smooth_picture(width: int, height: int) -> Image.Image:
    """Random colours without hard edges, on which rounding is all that two ways can differ by."""
    generator = np.random.default_rng(width * 10_000 + height)
    few = generator.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(few).resize((width, height), Image.Resampling.BICUBIC)


def naive_pixels(image: Image.Image, config: PreprocessConfig) -> np.ndarray:
    """The same by torchvision, the plain way: resize all of it, then cut the middle."""
    mode = InterpolationMode(config.interpolation)
    size = config.size_px
    if config.resize == "squash":
        return np.asarray(torchvision.resize(image, [size, size], mode))
    resized = torchvision.resize(image, config.resize_px, mode)
    left, top = (resized.width - size) // 2, (resized.height - size) // 2
    return np.asarray(torchvision.crop(resized, top, left, size, size))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize(
    "config",
    [
        pytest.param(CROPPED, id="cropped"),
        pytest.param(CUT_FROM_LARGER, id="cut-from-larger"),
        pytest.param(SQUASHED, id="squashed"),
    ],
)
@pytest.mark.parametrize(
    "size",
    [(224, 224), (640, 480), (480, 641), (225, 224), (97, 61), (1500, 300), (31, 333), (2, 2)],
    ids=lambda size: f"{size[0]}x{size[1]}",
)
def test_agrees_with_torchvision_within_rounding(size, config, interpolation):
    config = replace(config, interpolation=interpolation)
    image = smooth_picture(*size)

    (pixels,) = to_pixels([image], config)

    difference = np.abs(pixels.astype(int) - naive_pixels(image, config))
    assert difference.max() <= 2
    assert difference.mean() < 0.05


@pytest.mark.parametrize("config", [CROPPED, CUT_FROM_LARGER, SQUASHED])
@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1), (3, 5_000)], ids=str)
def test_any_shape_becomes_the_square_of_its_colour(size, config):
    pixels = to_pixels([Image.new("RGB", size, (10, 200, 30))], config)

    assert pixels.shape == (1, 224, 224, 3)
    assert (pixels == (10, 200, 30)).all()


def test_the_crop_is_the_middle():
    image = Image.new("RGB", (300, 100), (255, 0, 0))
    image.paste((0, 0, 255), (100, 0, 200, 100))

    (pixels,) = to_pixels([image], CROPPED)

    assert (pixels[:, 4:-4] == (0, 0, 255)).all()


def test_squashing_shows_everything():
    image = Image.new("RGB", (300, 100), (255, 0, 0))
    image.paste((0, 0, 255), (150, 0, 300, 100))

    (pixels,) = to_pixels([image], SQUASHED)

    assert (pixels[:, :108] == (255, 0, 0)).all()
    assert (pixels[:, 116:] == (0, 0, 255)).all()


def test_order_is_kept_and_pictures_are_not_changed():
    images = [smooth_picture(60, 40), smooth_picture(40, 60), smooth_picture(50, 50)]
    before = [image.tobytes() for image in images]

    stacked = to_pixels(images, CROPPED)

    assert (stacked.dtype, stacked.shape) == (np.uint8, (3, 224, 224, 3))
    for row, image in zip(stacked, images, strict=True):
        assert np.array_equal(row, to_pixels([image], CROPPED)[0])
    assert [image.tobytes() for image in images] == before


def test_no_pictures_give_no_rows():
    assert to_pixels([], CROPPED).shape == (0, 224, 224, 3)


def test_a_picture_that_was_not_decoded_by_us_is_refused():
    with pytest.raises(ValueError, match="got L"):
        to_pixels([Image.new("L", (9, 9))], CROPPED)
