"""What follows a picture in its file is cut off, and nothing of the picture."""

import numpy as np
import pytest
from PIL import Image

from ml.rules.file_end import without_trailer
from ml.rules.file_types import FORMATS
from ml.rules.limits import MAX_PIXELS
from ml.rules.stored import Limits
from ml.rules.upright import read_upright
from tests.pictures import encoded, many_framed_gif, noise

LIMITS = Limits(MAX_PIXELS)
WITH_AN_END = {
    "JPEG": {"progressive": True},
    "PNG": {},
    "GIF": {},
    "WEBP": {},
    "HEIF": {},
    "AVIF": {},
}
# The second reads as a marker, a chunk, a block, a box, the end of a JPEG.
TRAILERS = [bytes(5000), b"\xff\xd8\xff\xe0IEND,!;mdat\xff\xd9" * 300]


@pytest.mark.parametrize("trailer", TRAILERS, ids=["zeros", "looks like a picture"])
@pytest.mark.parametrize("kind", WITH_AN_END)
def test_what_follows_the_picture_is_cut_off(
    rng: np.random.Generator, kind: str, trailer: bytes
) -> None:
    file = encoded(noise(rng), kind, **WITH_AN_END[kind])
    kept = without_trailer(file + trailer, FORMATS[kind])
    assert kept == file


@pytest.mark.parametrize("kind", ["BMP", "TIFF"])
def test_a_format_without_an_end_is_kept_whole(rng: np.random.Generator, kind: str) -> None:
    file = encoded(noise(rng), kind) + TRAILERS[0]
    assert without_trailer(file, FORMATS[kind]) == file


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_all_of_an_animation_is_kept(rng: np.random.Generator, kind: str) -> None:
    file = encoded(noise(rng), kind, save_all=True, append_images=[noise(rng)] * 3, duration=80)
    assert without_trailer(file, FORMATS[kind]) == file


def test_a_preview_inside_a_jpeg_is_no_end_of_it(rng: np.random.Generator) -> None:
    preview = encoded(noise(rng, 16, 16), "JPEG")
    remark = b"\xff\xe5" + (len(preview) + 2).to_bytes(2) + preview
    file = encoded(noise(rng), "JPEG")
    with_preview = file[:2] + remark + file[2:]
    assert without_trailer(with_preview + bytes(99), "jpeg") == with_preview


def test_the_first_view_of_an_mpo_is_kept(rng: np.random.Generator) -> None:
    views = [noise(rng), noise(rng)]
    file = encoded(views[0], "MPO", save_all=True, append_images=views[1:])
    kept = without_trailer(file, FORMATS["MPO"])
    assert len(kept) < len(file)
    shown = [np.asarray(read_upright(each, limits=LIMITS).image) for each in (file, kept)]
    np.testing.assert_array_equal(*shown)


@pytest.mark.parametrize("kind", WITH_AN_END)
def test_a_file_that_is_cut_short_is_kept(rng: np.random.Generator, kind: str) -> None:
    file = encoded(noise(rng), kind, **WITH_AN_END[kind])
    for length in range(16, len(file), 97):
        assert without_trailer(file[:length], FORMATS[kind]) == file[:length]


def test_the_end_of_a_gif_of_many_frames_is_found() -> None:
    file = many_framed_gif(3000)
    assert without_trailer(file + bytes(10), "gif") == file


def test_a_small_picture_of_one_colour_is_kept_whole() -> None:
    file = encoded(Image.new("L", (1, 1)), "JPEG")
    assert without_trailer(file, "jpeg") == file
