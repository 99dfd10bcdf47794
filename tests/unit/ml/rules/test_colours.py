"""Numbers in other colour spaces against the sRGB that formulas give for them."""

import io
import logging

import numpy as np
import pytest
from PIL import Image, ImageCms

from ml.rules.colours import in_srgb, profile_of
from tests.unit.ml.rules.profiles import (
    ADOBE,
    PROPHOTO,
    SRGB,
    cmyk_profile,
    grey_profile,
    rgb_profile,
)


def srgb_levels(linear: np.ndarray) -> np.ndarray:
    """Linear light in sRGB's primaries, 0..1, as levels. Source: IEC 61966-2-1."""
    linear = linear.clip(0, 1)
    steep = 1.055 * linear ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, steep) * 255


def expected(levels: np.ndarray, primaries: tuple, gamma: float) -> np.ndarray:
    """What RGB levels of other primaries are in sRGB."""
    xyz = (levels / 255) ** gamma @ np.array(primaries)
    return srgb_levels(xyz @ np.linalg.inv(np.array(SRGB)))


# Colours that both spaces have: sRGB's greens and reds are inside the others'.
LEVELS = np.array([[[128, 128, 128], [200, 150, 100], [90, 120, 100], [255, 255, 255], [0, 0, 0]]])


@pytest.mark.parametrize(
    ("primaries", "gamma"),
    [(PROPHOTO, 1.8), (ADOBE, 2.2), (SRGB, 1.0)],
    ids=["prophoto", "adobe", "linear"],
)
def test_rgb_in_a_profile_becomes_srgb(primaries, gamma):
    image = Image.fromarray(LEVELS.astype(np.uint8))

    found = in_srgb(image, rgb_profile(primaries, gamma))

    assert found.mode == "RGB"
    assert np.asarray(found) == pytest.approx(expected(LEVELS, primaries, gamma), abs=2)


def test_transparency_stays_as_it_is():
    image = Image.new("RGBA", (2, 1), (200, 150, 100, 77))

    found = in_srgb(image, rgb_profile(ADOBE, 2.2)).getpixel((0, 0))

    assert found[3] == 77
    assert found[:3] == pytest.approx(expected(np.array([200, 150, 100]), ADOBE, 2.2), abs=2)


@pytest.mark.parametrize(
    "profile", [grey_profile(1.0), rgb_profile(SRGB, 1.0)], ids=["grey", "rgb"]
)
@pytest.mark.parametrize("mode", ["L", "LA"])
def test_greys_in_a_linear_profile(profile, mode):
    image = Image.new("L", (2, 1), 64).convert(mode)

    found = in_srgb(image, profile).convert("RGB").getpixel((0, 0))

    assert found == pytest.approx(srgb_levels(np.full(3, 64 / 255)), abs=2)


def test_inks_in_a_profile_of_a_press():
    profile = cmyk_profile()
    image = Image.new("CMYK", (2, 1), (0, 0, 0, 255))

    found = in_srgb(image, profile)

    assert found.mode == "RGB"
    assert max(found.getpixel((0, 0))) <= 3
    assert min(in_srgb(Image.new("CMYK", (2, 1)), profile).getpixel((0, 0))) >= 250


def test_srgb_under_another_name_changes_no_pixel():
    image = Image.fromarray(LEVELS.astype(np.uint8))

    assert (
        in_srgb(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()) is image
    )


@pytest.mark.parametrize(
    ("profile", "mode"),
    [
        pytest.param(rgb_profile(ADOBE, 2.2)[:90], "RGB", id="cut-short"),
        pytest.param(b"no profile at all", "RGB", id="words"),
        pytest.param(grey_profile(1.0), "RGB", id="of-greys"),
        pytest.param(rgb_profile(ADOBE, 2.2), "CMYK", id="of-rgb"),
    ],
)
def test_other_profiles_are_passed_over(profile, mode, caplog):
    image = Image.new(mode, (2, 1))

    with caplog.at_level(logging.INFO, "ml.rules.colours"):
        assert in_srgb(image, profile + mode.encode()) is image

    assert "colour profile" in caplog.text


def png_with(**info: object) -> Image.Image:
    image = Image.open(io.BytesIO(_png()))
    image.info.update(info)
    return image


def _png() -> bytes:
    out = io.BytesIO()
    Image.fromarray(LEVELS.astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


# Source: sRGB's and Adobe RGB's primaries; white, red, green, blue.
SRGB_XY = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
ADOBE_XY = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)


@pytest.mark.parametrize(
    ("info", "primaries", "gamma"),
    [
        pytest.param({"gamma": 1.0}, SRGB, 1.0, id="linear"),
        pytest.param({"gamma": 1 / 1.8, "chromaticity": SRGB_XY}, SRGB, 1.8, id="1.8"),
        pytest.param({"gamma": 0.45455, "chromaticity": ADOBE_XY}, ADOBE, 2.2, id="primaries"),
        pytest.param({"chromaticity": ADOBE_XY}, ADOBE, 2.2, id="primaries-alone"),
    ],
)
def test_a_png_says_how_bright_its_numbers_are(info, primaries, gamma):
    image = png_with(**info)

    found = in_srgb(image, profile_of(image))

    assert np.asarray(found) == pytest.approx(expected(LEVELS, primaries, gamma), abs=2)


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"gamma": 0.45455},
        {"gamma": 0.45455, "chromaticity": SRGB_XY},
        {"gamma": 1.0, "srgb": 0},
        {"gamma": 0.0001},
        {"gamma": 5000.0},
        {"gamma": 1.0, "chromaticity": (0.3, 0.0, *SRGB_XY[2:])},
        {"gamma": 1.0, "chromaticity": (0.3127, 0.329, *(0.3, 0.3) * 3)},
    ],
    ids=["none", "usual", "usual-too", "srgb", "none-at-all", "absurd", "no-white", "one-point"],
)
def test_what_is_usual_or_absurd_changes_nothing(info):
    assert profile_of(png_with(**info)) == b""


def test_a_profile_of_no_possible_size_is_passed_over(caplog):
    assert profile_of(png_with(icc_profile=bytes(4_000_001))) == b""
    assert "colour profile passed over" in caplog.text


def test_a_profile_counts_before_gamma():
    image = png_with(gamma=1.0, icc_profile=b"profile")

    assert profile_of(image) == b"profile"
