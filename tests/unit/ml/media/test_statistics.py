"""What the pixels say, whatever they show."""

import numpy as np
import pytest

from ml.media import statistics
from ml.media.statistics import NAMES, features


def value(pixels, name: str) -> float:
    return float(features(pixels)[NAMES.index(name)])


def test_each_name_is_one_number(photo_like) -> None:
    row = features(photo_like)
    assert (row.shape, row.dtype) == ((len(NAMES),), np.float32)
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (7, 7), (40, 33), (3000, 20)])
@pytest.mark.parametrize("fill", ["black", "white", "noise"])
def test_no_picture_gives_what_is_no_number(shape, fill, rng) -> None:
    pixels = np.zeros((*shape, 3), np.uint8)
    if fill == "white":
        pixels[:] = 255
    elif fill == "noise":
        pixels[:] = rng.integers(0, 256, pixels.shape)
    assert np.isfinite(features(pixels)).all()


def test_the_picture_is_not_changed(photo_like) -> None:
    before = photo_like.copy()
    features(photo_like)
    assert np.array_equal(before, photo_like)


def test_media_differ_in_what_the_names_promise(photo_like, line_drawing, flat_colours) -> None:
    assert value(line_drawing, "page") > value(flat_colours, "page") > value(photo_like, "page")
    assert value(photo_like, "colours_90") > value(flat_colours, "colours_90")
    assert value(line_drawing, "ink_grey") == 1 > value(flat_colours, "ink_grey")
    assert value(photo_like, "noise") > value(flat_colours, "noise") == 0
    assert value(line_drawing, "dark_lines_7") > value(photo_like, "dark_lines_7")


def test_a_picture_twice_as_large_says_nearly_the_same(flat_colours) -> None:
    large = flat_colours.repeat(4, axis=0).repeat(4, axis=1)
    for name in ("page", "colours_top_4", "chroma"):
        assert value(large, name) == pytest.approx(value(flat_colours, name), rel=0.05)


def test_steps_are_shares_that_only_grow(photo_like) -> None:
    shares = [value(photo_like, f"step_{each}") for each in statistics._STEPS]
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1
