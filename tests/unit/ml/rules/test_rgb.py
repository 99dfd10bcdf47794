import numpy as np
import pytest
from PIL import Image

from ml.rules.rgb import Rendering, has_deep_samples, to_rgb, tones_of
from ml.rules.tones import Tones


def grey(values: list[float], dtype: str) -> Image.Image:
    return Image.fromarray(np.array([values]).astype(dtype))


@pytest.mark.parametrize(
    ("values", "dtype", "black", "white"),
    [
        pytest.param([[0, 9], [200, 30000]], "<u2", 0, 65535, id="16-bit"),
        pytest.param([[0, 9], [200, 300]], "<u2", 0, 1023, id="10-bit"),
        pytest.param([[0, 9], [200, 255]], "<i4", 0, 255, id="int32-as-8-bit"),
        pytest.param([[0, 9], [200, 20000]], "<i4", 0, 65535, id="int32-as-16-bit"),
        pytest.param([[0, 1], [0, 1]], "<i4", 0, 255, id="int32-is-no-share"),
        pytest.param([[5, 9], [200, 65536]], "<i4", 5, 65536, id="int32-own-extremes"),
        pytest.param([[5, 9], [-1, 0]], "<i4", -1, 9, id="int32-signed"),
        pytest.param([[-5, -5], [-5, -5]], "<i4", -5, -4, id="int32-flat"),
        pytest.param([[0, 0.5], [0.9, 1]], "<f4", 0, 1, id="float-as-shares"),
        pytest.param([[0, 0.5], [0.9, 1.5]], "<f4", 0, 255, id="float-as-8-bit"),
        pytest.param([[0, 0.5], [256, 1]], "<f4", 0, 65535, id="float-as-16-bit"),
        pytest.param([[0, np.nan], [0.5, np.inf]], "<f4", 0, 1, id="float-not-finite"),
    ],
)
def test_tones_hold_all_of_a_picture(values, dtype, black, white):
    assert tones_of(Image.fromarray(np.array(values).astype(dtype))) == Tones(black, white)


def test_16_bits_are_scaled_exactly():
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)

    rgb = np.asarray(to_rgb(Image.fromarray(ramp)))

    expected = [int(value / 257 + 0.5) for value in range(65536)]
    assert rgb[..., 0].ravel().tolist() == expected
    assert (rgb[..., 1] == rgb[..., 0]).all()
    assert (rgb[..., 2] == rgb[..., 0]).all()


def test_a_strip_is_scaled_by_the_tones_of_the_picture():
    strip = grey([0, 100, 200], "<i4")

    assert np.asarray(to_rgb(strip, Rendering(Tones(0, 510))))[0, :, 0].tolist() == [0, 50, 100]
    assert np.asarray(to_rgb(strip))[0, :, 0].tolist() == [0, 100, 200]


def test_what_is_no_number_is_black():
    strip = grey([np.nan, 0.2, np.inf, -np.inf], "<f4")

    assert np.asarray(to_rgb(strip))[0, :, 1].tolist() == [0, 51, 0, 0]


def test_every_colour_of_every_transparency_is_laid_on_white():
    colour, alpha = np.mgrid[0:256, 0:256].astype(np.uint8)
    picture = Image.fromarray(np.stack([colour, 255 - colour, colour, alpha], axis=-1))

    rgb = np.asarray(to_rgb(picture)).astype(np.int64)

    exact = (colour * (alpha / 255.0)) + 255 * (1 - alpha / 255.0)
    assert np.abs(rgb[..., 0] - exact).max() <= 0.5 + 1e-9
    assert (rgb[..., 2] == rgb[..., 0]).all()


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("RGB", (1, 2, 3), (1, 2, 3)),
        ("L", 9, (9, 9, 9)),
        ("1", 255, (255, 255, 255)),
        ("LA", (9, 0), (255, 255, 255)),
        ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
    ],
)
def test_other_modes_become_rgb(mode, colour, expected):
    image = Image.new(mode, (2, 2), colour)

    rgb = to_rgb(image)

    assert (rgb.mode, rgb.getpixel((1, 1))) == ("RGB", expected)
    assert rgb is not image
    assert not has_deep_samples(image)
