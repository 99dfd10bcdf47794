"""Animations and pages: counted without decoding, and never further than the limit."""

import struct
import time
from collections.abc import Callable

import numpy as np
import pytest

from catalog.validation import validate
from kernel.errors import UserInputError
from tests.pictures import encoded, many_framed_gif, noise


def refusal(data: bytes) -> str:
    with pytest.raises(UserInputError) as caught:
        validate(data)
    return caught.value.code


def test_as_many_frames_as_allowed() -> None:
    assert validate(many_framed_gif(1_000)).format == "gif"


def animated(kind: str, rng: np.random.Generator, **options: object) -> bytes:
    """Five frames of noise: own palettes, many data blocks, and extensions between them."""
    frames = [noise(rng, 60, 40) for _ in range(5)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("GIF", {"duration": 50, "loop": 0, "comment": "a, b; c!" * 99}),
        ("GIF", {"optimize": True, "interlace": 1, "disposal": 2}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("WEBP", {}),
        ("PNG", {}),
        ("AVIF", {}),
    ],
)
def test_frames_are_counted(settings, rng: np.random.Generator, kind: str, options: dict) -> None:
    data = animated(kind, rng, **options)

    settings.UPLOAD_MAX_FRAMES = 5
    found = validate(data)
    settings.UPLOAD_MAX_FRAMES = 4

    assert (found.width, found.height) == ((60, 264) if kind == "TIFF" else (60, 40))
    assert refusal(data) == "image:user:too-many-frames"


def many_paged_tiff(pages: int) -> bytes:
    """A 1 × 1 TIFF of this many pages, 114 bytes each, that share one pixel."""
    # Source: TIFF 6.0, section 2; tag, type (3 short, 4 long), count, value.
    tags = [(256, 3, 1, 1), (257, 3, 1, 1), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    tags += [(273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, 1), (279, 4, 1, 1)]
    fields = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    offsets = range(10, 10 + pages * (len(fields) + 4), len(fields) + 4)
    following = [*offsets[1:], 0]
    directories = b"".join(fields + struct.pack("<I", offset) for offset in following)
    return b"II*\0" + struct.pack("<I", offsets[0]) + b"\0\0" + directories


@pytest.mark.parametrize(
    ("draw", "frames"), [(many_framed_gif, 3_000_000), (many_paged_tiff, 20_000)]
)
def test_counting_frames_stops_at_the_limit(draw: Callable[[int], bytes], frames: int) -> None:
    # Counting all of them takes Pillow 9 and 4 seconds.
    data = draw(frames)
    started = time.process_time()

    assert refusal(data) == "image:user:too-many-frames"

    assert time.process_time() - started < 1
