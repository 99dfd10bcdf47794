"""Files that lack something and that every viewer shows; and those that show too little."""

import logging
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from ml.errors import UndecodableImage
from ml.images.decode import decode
from tests.pictures import encoded
from tests.unit.ml.rules.profiles import ADOBE, rgb_profile

MAX_PIXELS = 10_000_000


def photo(width: int = 320, height: int = 240) -> Image.Image:
    coarse = np.random.default_rng(5).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def with_chunk(png: bytes, name: bytes, body: bytes, crc: int | None = None) -> bytes:
    """A PNG with one more chunk behind its header."""
    crc = zlib.crc32(name + body) if crc is None else crc
    return png[:33] + struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc) + png[33:]


def mean_difference(data: bytes, wanted: Image.Image, rows: slice = slice(None)) -> float:
    found = np.asarray(decode(data, max_pixels=MAX_PIXELS), float)
    return float(np.abs(found - np.asarray(wanted, float))[rows].mean())


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("PNG", {"compress_level": 0})],
    ids=["jpeg", "progressive", "png", "png-unpacked"],
)
def test_what_lacks_a_hundredth_is_shown(kind, options, caplog):
    data = encoded(photo(), kind, **options)

    assert mean_difference(cut(data, 0.99), photo(), slice(0, 220)) < 8
    assert "a damaged picture is shown" in caplog.text


def test_a_progressive_jpeg_without_its_last_scans_is_shown():
    data = encoded(photo(), "JPEG", quality=90, progressive=True)

    assert mean_difference(cut(data, 0.6), photo()) < 12


def test_a_thumbnail_in_the_metadata_is_no_scan_of_the_picture():
    thumbnail = encoded(photo(64, 48), "JPEG", progressive=True)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\0" + thumbnail
    data = encoded(photo(), "JPEG", quality=90, progressive=True, exif=exif)
    first_scan = data.index(b"\xff\xda", len(exif))

    with pytest.raises(UndecodableImage):
        decode(data[: first_scan + 200], max_pixels=MAX_PIXELS)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(("share", "is_shown"), [(0.7, True), (0.3, False)])
def test_half_of_the_rows_have_to_be_there(kind, share, is_shown):
    data = cut(encoded(photo(), kind), share)

    if is_shown:
        assert mean_difference(data, photo(), slice(0, 120)) < 8
    else:
        with pytest.raises(UndecodableImage):
            decode(data, max_pixels=MAX_PIXELS)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1", "I;16"])
def test_a_png_of_every_kind_is_completed(mode):
    whole = photo().convert("L").convert("I").point(lambda v: v * 257).convert("I;16")
    picture = whole if mode == "I;16" else photo().convert(mode)
    data = encoded(picture, "PNG")
    wanted = decode(data, max_pixels=MAX_PIXELS)

    assert mean_difference(cut(data, 0.9), wanted, slice(0, 180)) == 0


def interlaced(picture: Image.Image) -> bytes:
    """An RGB PNG in Adam7's passes. Source: PNG, third edition, 8.1."""
    pixels, rows = np.asarray(picture), b""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    for top, left, down, across in [*passes, (1, 0, 2, 1)]:
        rows += b"".join(b"\0" + row.tobytes() for row in pixels[top::down, left::across])
    png = encoded(picture)
    header = png[16:28] + b"\1"
    start = png[:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    body = zlib.compress(rows)
    chunk = struct.pack(">I", len(body)) + b"IDAT" + body
    return start + chunk + struct.pack(">I", zlib.crc32(b"IDAT" + body)) + png[-12:]


def test_an_interlaced_png_lacks_hardly_anything_or_is_broken():
    data = interlaced(photo())
    assert mean_difference(data, photo()) == 0

    assert mean_difference(cut(data, 0.99), photo()) < 8
    with pytest.raises(UndecodableImage):
        decode(cut(data, 0.8), max_pixels=MAX_PIXELS)


def test_a_damaged_middle_is_no_cut():
    data = bytearray(encoded(photo(), "PNG"))
    data[len(data) // 4 : len(data) // 4 + 9] = b"\xff" * 9

    with pytest.raises(UndecodableImage):
        decode(bytes(data), max_pixels=MAX_PIXELS)


TEXT = b'{"node": 1}' * 200_000


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda png: with_chunk(png, b"tEXt", b"a\0b", crc=1), id="checksum-of-text"),
        pytest.param(lambda png: with_chunk(png, b"gAMA", b"\0\0\0\1", crc=1), id="of-gamma"),
        pytest.param(lambda png: with_chunk(png, b"prVt", b"?", crc=1), id="of-a-private-chunk"),
        pytest.param(
            lambda png: with_chunk(png, b"zTXt", b"a\0\0" + zlib.compress(TEXT)), id="ztxt"
        ),
        pytest.param(
            lambda png: with_chunk(png, b"iTXt", b"a\0\1\0\0\0" + zlib.compress(TEXT)), id="itxt"
        ),
        pytest.param(lambda png: with_chunk(png, b"tEXt", b"a\0" + TEXT), id="text"),
        pytest.param(lambda png: with_chunk(png, b"iCCP", b"x\0\0broken"), id="broken-profile"),
        pytest.param(
            lambda png: with_chunk(png, b"iCCP", b"x\0\0" + zlib.compress(bytes(2_000_000))),
            id="huge-profile",
        ),
        pytest.param(lambda png: png[:-12], id="no-end"),
    ],
)
def test_a_png_with_a_fault_that_is_not_its_pixels(damage: Callable[[bytes], bytes]):
    assert mean_difference(damage(encoded(photo())), photo()) == 0


def test_what_is_packed_beside_the_pixels_is_never_unpacked_whole():
    import tracemalloc

    bomb = zlib.compress(bytes(100_000_000), 9)
    png = encoded(Image.new("RGB", (8, 8)))
    for name, head in ((b"zTXt", b"a\0\0"), (b"iCCP", b"x\0\0"), (b"iTXt", b"a\0\1\0\0\0")):
        png = with_chunk(png, name, head + bomb)
    tracemalloc.start()
    decode(png, max_pixels=MAX_PIXELS)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < 10_000_000


def test_a_profile_beside_a_remark_still_counts():
    profile = rgb_profile(ADOBE, 2.2)
    plain = encoded(photo(), "PNG", icc_profile=profile)

    found = decode(with_chunk(plain, b"tEXt", b"a\0b", crc=1), max_pixels=MAX_PIXELS)

    assert found.tobytes() == decode(plain, max_pixels=MAX_PIXELS).tobytes()
    assert found.tobytes() != photo().tobytes()


def test_nothing_is_set_for_all_of_pillow():
    from PIL import ImageFile

    decode(cut(encoded(photo(), "JPEG"), 0.99), max_pixels=MAX_PIXELS)

    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_a_whole_file_leaves_no_line_in_the_log(caplog):
    with caplog.at_level(logging.WARNING):
        decode(encoded(photo(), "JPEG"), max_pixels=MAX_PIXELS)

    assert caplog.text == ""
