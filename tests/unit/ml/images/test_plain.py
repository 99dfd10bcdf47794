import numpy as np
import pytest
from PIL import Image, ImageDraw

from ml.images.plain import is_plain
from tests.unit.ml.copies.scenes import scene

SIZE = (320, 240)


def page(colour="white"):
    return Image.new("RGB", SIZE, colour)


def gradient():
    steps = np.linspace(40, 220, SIZE[0])[None, :, None] * np.array([1.0, 0.8, 0.6])
    return Image.fromarray(np.broadcast_to(steps, (SIZE[1], SIZE[0], 3)).astype(np.uint8))


def noisy(rng):
    levels = rng.normal(238, 6, (SIZE[1], SIZE[0], 3)).clip(0, 255)
    return Image.fromarray(levels.astype(np.uint8))


def written_on(words):
    image = page()
    ImageDraw.Draw(image).text((60, 100), words, fill="black", font_size=14)
    return image


@pytest.mark.parametrize(
    "image",
    [page(), page((30, 90, 160)), page().resize((1, 1)), gradient()],
    ids=["white", "blue", "one pixel", "gradient"],
)
def test_ground_alone_is_plain(image):
    assert is_plain(image)


def test_paper_is_plain(rng):
    assert is_plain(noisy(rng))


@pytest.mark.parametrize(
    "image",
    [written_on("a line of print"), Image.fromarray(scene(1))],
    ids=["print", "a scene"],
)
def test_what_shows_something_is_not_plain(image):
    assert not is_plain(image)
