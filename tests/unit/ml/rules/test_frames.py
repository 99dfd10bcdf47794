"""Animations that begin with nothing, and stills that browsers do not show."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ml.rules.frames import shown_frame
from ml.rules.opening import open_picture
from ml.rules.rgb import to_rgb
from tests.pictures import encoded

BLANK = Image.new("RGB", (64, 48), "white")
CLEAR = Image.new("RGBA", (64, 48), (0, 0, 0, 0))


@pytest.fixture
def photo(rng: np.random.Generator) -> Image.Image:
    coarse = Image.fromarray(rng.integers(0, 256, (3, 4, 3), np.uint8))
    return coarse.resize((64, 48), Image.Resampling.BILINEAR)


def animation(frames: list[Image.Image], kind: str, **options: object) -> bytes:
    lossless = {"lossless": True} if kind == "WEBP" else {}
    more = {"save_all": True, "append_images": frames[1:], "duration": 80, **lossless, **options}
    return encoded(frames[0], kind, **more)


def shown(data: bytes) -> Image.Image:
    return to_rgb(shown_frame(open_picture(data)))


def assert_is(found: Image.Image, wanted: Image.Image, levels: float = 8) -> None:
    """A GIF has a palette of its own for each frame."""
    difference = np.asarray(found, float) - np.asarray(wanted.convert("RGB"), float)
    assert np.abs(difference).mean() <= levels


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_one_that_fades_in_shows_where_the_fade_ends(photo, kind):
    fade = [Image.blend(BLANK, photo, share) for share in (0, 0.3, 0.7, 1)]

    assert_is(shown(animation([*fade, BLANK], kind)), photo)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_one_that_begins_clear_shows_its_first_frame_with_something(photo, kind):
    frames = [CLEAR, photo.convert("RGBA"), Image.new("RGBA", (64, 48), "teal")]

    assert_is(
        shown(animation(frames, kind, disposal=2) if kind == "GIF" else animation(frames, kind)),
        photo,
    )


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_one_that_begins_with_something_shows_that(photo, kind):
    other = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)

    assert_is(shown(animation([photo, other, BLANK], kind)), photo)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_where_all_are_blank_it_is_the_first(kind):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("green", "red", "blue")]

    assert shown(animation(frames, kind)).getpixel((9, 9)) == (0, 128, 0)


def test_a_still_that_no_browser_shows_is_not_shown(photo):
    still = ImageDraw.Draw(picture := Image.new("RGB", (64, 48), "gold"))
    still.text((5, 5), "no APNG")
    data = animation([picture, photo, BLANK], "PNG", default_image=True)

    assert_is(shown(data), photo, levels=0)


def test_frames_behind_a_damaged_one_are_not_looked_for(photo):
    whole = animation([BLANK, photo, BLANK], "GIF")
    second = whole.index(b"\x2c", whole.index(b"\x2c") + 1)
    data = whole[:second] + b"\x2c" + b"\xff" * 400

    assert shown(data).getcolors() == [(64 * 48, (255, 255, 255))]


def test_a_film_of_nothing_is_looked_at_for_a_while_only():
    frames = [
        Image.new("RGB", (16, 16), (200, number % 256, number // 256)) for number in range(300)
    ]
    image = open_picture(animation(frames, "GIF"))

    shown_frame(image)

    assert image.tell() <= 51


def test_a_gif_of_one_frame_is_itself(photo):
    out = io.BytesIO()
    BLANK.save(out, "GIF")

    assert shown(out.getvalue()).getpixel((3, 3)) == (255, 255, 255)
