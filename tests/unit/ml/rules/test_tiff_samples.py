"""Every kind of sample against the values that were written; tifffile and hand-made files."""

import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from ml.rules.refusals import PictureRefused, Refusal
from ml.rules.tiff_directories import read_directories
from ml.rules.tiff_samples import is_readable, read_samples
from tests.pictures import encoded
from tests.tiffs import packed, raw_tiff, tiff


@pytest.fixture
def rgb(rng: np.random.Generator) -> np.ndarray:
    """(37, 53, 3) levels of 255; 0 and 255 are among them."""
    levels = rng.integers(0, 256, (37, 53, 3))
    levels[0, 0], levels[0, 1] = 0, 255
    return levels


def read(data: bytes) -> Image.Image:
    [directory] = read_directories(data, limit=9)
    assert is_readable(directory)
    return read_samples(data, directory)


def assert_levels(image: Image.Image, levels: np.ndarray, by: int = 0) -> None:
    assert np.abs(np.asarray(image).astype(int) - levels).max() <= by


WIDE = {
    "u2": lambda levels: levels * 257,
    "u4": lambda levels: levels * 16_843_009,
    "f2": lambda levels: levels / 255,
    "f4": lambda levels: levels / 255,
    "f8": lambda levels: levels / 255,
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tile", [None, (16, 32)], ids=["strips", "tiles"])
@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("kind", WIDE)
def test_wide_rgb_in_every_arrangement(rgb, kind, planes, tile, order):
    values = WIDE[kind](rgb).astype(kind)
    data = tiff(
        np.moveaxis(values, 2, 0) if planes == "separate" else values,
        photometric="rgb",
        planarconfig=planes,
        byteorder=order,
        compression="zlib",
        tile=tile,
        rowsperstrip=None if tile else 10,
    )

    image = read(data)

    assert image.mode == "RGB"
    assert_levels(image, rgb)


@pytest.mark.parametrize("is_big", [False, True], ids=["classic", "big"])
def test_bytes_in_a_bigtiff_of_the_other_order(rgb, is_big):
    data = tiff(rgb.astype("u1"), photometric="rgb", byteorder=">", bigtiff=is_big)

    assert_levels(read(data), rgb)


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 15])
def test_bits_that_the_file_states_are_used_whole(rgb, bits):
    grey = rgb[..., 0]
    values = grey * (2**bits - 1) // 255
    data = raw_tiff((53, 37), packed(values, bits), bits=(bits,))

    assert_levels(read(data), grey, by=1)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_few_of_16_bits_are_not_black(rgb, bits):
    values = (rgb.astype(float) * (2**bits - 1) / 255).round()
    data = tiff(values.astype("u2"), photometric="rgb")

    assert_levels(read(data), rgb)


@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_white_may_be_zero(rgb, kind):
    grey = rgb[..., 0]
    values = WIDE.get(kind, np.array)(255 - grey).astype(kind)

    image = read(tiff(values, photometric="miniswhite"))

    assert image.mode == "L"
    assert_levels(image, grey)


@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_cmyk_of_16_bits(rgb, planes):
    inks = np.concatenate([rgb, rgb[..., :1]], axis=2)
    values = (inks * 257).astype("u2")
    data = tiff(
        np.moveaxis(values, 2, 0) if planes == "separate" else values,
        photometric="separated",
        planarconfig=planes,
    )

    image = read(data)

    assert image.mode == "CMYK"
    assert_levels(image, inks)


@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize(
    ("extra", "mode"), [("unassalpha", "RGBA"), ("assocalpha", "RGBa"), ("unspecified", "RGB")]
)
def test_transparency_of_16_bits(rgb, extra, mode, planes):
    values = np.concatenate([rgb, rgb[..., 1:2]], axis=2)
    stored = (values * 257).astype("u2")
    data = tiff(
        np.moveaxis(stored, 2, 0) if planes == "separate" else stored,
        photometric="rgb",
        planarconfig=planes,
        extrasamples=[extra],
    )

    image = read(data)

    assert image.mode == mode
    flat = np.frombuffer(image.tobytes(), np.uint8).reshape(37, 53, -1)
    assert np.array_equal(flat, values[..., : flat.shape[2]])


def test_grey_with_transparency(rgb):
    values = rgb[..., :2]
    data = tiff((values * 257).astype("u2"), photometric="minisblack", extrasamples=["assocalpha"])

    image = read(data)

    assert image.mode == "La"
    assert image.tobytes() == values.astype("u1").tobytes()


@pytest.mark.parametrize("predictor", [1, 2])
def test_lzw_is_unpacked_by_libtiff(rgb, predictor):
    grey = Image.fromarray((rgb[..., 0] * 257).astype("<u2"))
    data = encoded(grey, "TIFF", compression="tiff_lzw", tiffinfo={317: predictor})

    assert_levels(read(data), rgb[..., 0])


def test_differences_of_floats_bytes(rgb):
    # Source: Adobe Photoshop TIFF Technical Note 3: the bytes of a row by rank, then differences
    # of neighbouring pixels. Written here for one row at a time.
    values = (rgb / 255).astype(">f4")
    stored = b""
    for row in values:
        ranked = row.reshape(-1).view("u1").reshape(-1, 4).T.reshape(-1, 3).astype(int)
        stored += np.diff(ranked, axis=0, prepend=0).astype("u1").tobytes()
    tags = [(317, 3, [3]), (339, 3, [3, 3, 3])]
    data = raw_tiff((53, 37), stored, bits=(32, 32, 32), photometric=2, tags=tags)

    assert_levels(read(data), rgb)


@pytest.mark.parametrize("factor", [1, 257], ids=["bytes", "words"])
def test_palettes_of_bytes_and_of_words(rng, factor):
    palette = rng.integers(0, 256, (256, 3))
    palette[0] = 255
    index = rng.integers(0, 256, (37, 53))
    colours = (320, 3, (palette.T.ravel() * factor).tolist())
    data = raw_tiff((53, 37), index.astype("u1").tobytes(), photometric=3, tags=[colours])

    assert_levels(read(data).convert("RGB"), palette[index])


def test_the_lowest_bit_may_come_first(rgb):
    stored = rgb[..., 0].astype("u1").tobytes()
    turned_round = bytes(int(f"{byte:08b}"[::-1], 2) for byte in stored)

    assert_levels(read(raw_tiff((53, 37), turned_round, tags=[(266, 3, [2])])), rgb[..., 0])


@pytest.mark.parametrize(
    "tags",
    [
        pytest.param({"compression": 34712}, id="jpeg-2000"),
        pytest.param({"compression": 7}, id="jpeg"),
        pytest.param({"bits": (17,)}, id="17-bits"),
        pytest.param({"bits": (5, 6, 5), "photometric": 2}, id="unequal-bits"),
        pytest.param({"photometric": 8, "bits": (16, 16, 16)}, id="lab"),
        pytest.param({"photometric": 32803}, id="raw-of-a-camera"),
        pytest.param({"photometric": 2}, id="too-few-samples"),
        pytest.param({"tags": [(317, 3, [9])]}, id="unknown-predictor"),
        pytest.param({"tags": [(339, 3, [5])]}, id="complex"),
    ],
)
def test_other_kinds_are_not_read(tags):
    data = raw_tiff((4, 4), bytes(999), **tags)
    [directory] = read_directories(data, limit=9)

    assert not is_readable(directory)
    with pytest.raises(PictureRefused) as refused:
        read_samples(data, directory)
    assert refused.value.refusal is Refusal.UNSUPPORTED


@pytest.mark.parametrize(
    "tags",
    [
        pytest.param([(273, 4, [10**9])], id="beyond-the-end"),
        pytest.param([(279, 4, [7])], id="short"),
        pytest.param([(278, 4, [1])], id="strips-missing"),
        pytest.param([(322, 4, [2**30]), (323, 4, [2**30])], id="huge-tiles"),
        pytest.param([(322, 4, [16]), (323, 4, [0])], id="tiles-of-nothing"),
        pytest.param([(259, 3, [8])], id="no-deflate"),
        pytest.param([(259, 3, [5])], id="no-lzw"),
    ],
)
def test_damaged_pages_are_broken(tags):
    data = raw_tiff((8, 8), b"\x7f" * 128, bits=(16,), tags=tags)
    if tags[0][0] == 273:
        data = data.replace(b"\x7f" * 128, b"")

    with pytest.raises(PictureRefused) as refused:
        read(data)

    assert refused.value.refusal is Refusal.BROKEN


def test_no_more_is_unpacked_than_belongs_to_a_page():
    # 200 MB of zeros in 200 kB, of which 128 bytes are pixels
    bomb = zlib.compress(b"\x01" * 128 + bytes(200_000_000))
    data = raw_tiff((8, 8), bomb, bits=(16,), compression=8)

    assert read(data).size == (8, 8)


def test_thousands_of_strips_are_unpacked_in_few_calls():
    # given 20,000 strips of a row each: a call of libtiff for each takes 14 s
    rows = Image.fromarray(np.tile(np.arange(20_000, dtype="<u2")[:, None] * 3, (1, 9)))
    data = encoded(rows, "TIFF", compression="tiff_lzw", tiffinfo={278: 1})
    started = time.process_time()

    image = read(data)

    assert time.process_time() - started < 5
    assert_levels(image, (np.asarray(rows).astype(int) + 128) // 257)


def test_strips_that_share_a_files_bytes_are_not_copied_whole_for_each():
    # given 2,000 strips of 100 bytes, each said to have all 20 MB of the file
    packed_row = zlib.compress(bytes(range(100)), 9)
    tags = [(278, 4, [1]), (273, 4, [2**31] * 2000), (279, 4, [20_000_000] * 2000)]
    data = raw_tiff((50, 2000), b"", bits=(16,), compression=8, tags=tags)
    data = data.replace(struct.pack("<I", 2**31), struct.pack("<I", len(data)))
    started = time.process_time()

    read(data + packed_row + bytes(20_000_000))

    assert time.process_time() - started < 2  # 20 s if they were
