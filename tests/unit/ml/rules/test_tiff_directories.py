import struct
import time

import numpy as np
import pytest

from ml.rules.tiff_directories import (
    TiffTag,
    beginning_at,
    is_tiff,
    read_directories,
    shown_directories,
)
from tests.tiffs import paged_tiff, raw_tiff, tiff

PAGE, SMALL = np.zeros((30, 40, 3), np.uint8), np.zeros((6, 8, 3), np.uint8)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("is_big", [False, True], ids=["classic", "big"])
def test_tags_are_read_in_every_order_and_size(order, is_big):
    data = tiff(np.zeros((30, 40), "u2"), photometric="minisblack", byteorder=order, bigtiff=is_big)

    [directory] = read_directories(data, limit=9)

    assert is_tiff(data)
    assert (directory.size, directory.bits) == ((40, 30), (16,))
    assert directory.number(TiffTag.PHOTOMETRIC, 0) == 1
    assert directory.number(TiffTag.PREDICTOR, 1) == 1


@pytest.mark.parametrize(("size", "at"), [(4, "in the entry"), (9, "elsewhere")])
def test_bytes_of_a_tag_are_those_of_the_file(size, at):
    text = b"123456789"[:size]
    data = tiff(np.zeros((30, 40), "u2"), extratags=[(TiffTag.ARTIST, 1, size, text, True)])

    [directory] = read_directories(data, limit=9)

    assert directory.content(TiffTag.ARTIST) == text, at
    assert directory.content(TiffTag.COPYRIGHT) == b""


@pytest.mark.parametrize(("code", "count"), [(1, 2**31), (5, 1)], ids=["beyond", "other-type"])
def test_bytes_that_are_not_there_are_refused(code, count):
    data = tiff(np.zeros((30, 40), "u2"), extratags=[(TiffTag.ARTIST, 1, 9, b"123456789", True)])
    written = struct.pack("<HHI", TiffTag.ARTIST, 1, 9)
    assert written in data
    data = data.replace(written, struct.pack("<HHI", TiffTag.ARTIST, code, count))

    [directory] = read_directories(data, limit=9)

    with pytest.raises(ValueError, match="a tag"):
        directory.content(TiffTag.ARTIST)


@pytest.mark.parametrize("left_out", [1, 4])
def test_a_directory_is_whole_without_the_way_to_the_next(left_out):
    """As the EXIF of libpng's own test picture ends."""
    data = struct.pack("<2sHIHHHII", b"II", 42, 8, 1, TiffTag.WIDTH, 4, 1, 40) + bytes(4)

    [directory] = read_directories(data[:-left_out], limit=9)

    assert directory.number(TiffTag.WIDTH, 0) == 40
    assert directory.following == 0


def test_pages_are_listed_as_far_as_asked_for():
    data = paged_tiff([PAGE, SMALL, PAGE])

    assert [each.size for each in read_directories(data, limit=9)] == [(40, 30), (8, 6), (40, 30)]
    assert len(read_directories(data, limit=2)) == 2


def test_any_page_may_become_the_first():
    data = paged_tiff([PAGE, SMALL])
    second = read_directories(data, limit=9)[1]

    assert [each.size for each in read_directories(beginning_at(data, second), limit=9)] == [(8, 6)]


@pytest.mark.parametrize(
    ("subfile_types", "sizes"),
    [
        pytest.param([1, 0], [(40, 30)], id="preview-first"),
        pytest.param([0, 1], [(8, 6)], id="preview-last"),
        pytest.param([0, 4], [(8, 6)], id="mask"),
        pytest.param([0, 0], [(8, 6), (40, 30)], id="pages"),
        pytest.param([1, 1], [(40, 30)], id="previews-only"),
        pytest.param([4, 4], [], id="masks-only"),
    ],
)
def test_previews_and_masks_are_no_pictures(subfile_types, sizes):
    # tifffile writes masks of one bit only, so another value is replaced
    data = paged_tiff([SMALL, PAGE], [{"subfiletype": 16 + each} for each in (0, 8)])
    for written, wanted in zip((16, 24), subfile_types, strict=True):
        entries = [struct.pack("<HHII", 254, 4, 1, value) for value in (written, wanted)]
        data = data.replace(*entries)

    shown = shown_directories(read_directories(data, limit=9))

    assert [each.size for each in shown] == sizes


def test_a_ring_of_pages_ends():
    # given a page that is followed by itself: the pointer lies behind nine entries
    data = raw_tiff((4, 4), bytes(16))
    at = 8 + 2 + 12 * 9
    data = data[:at] + struct.pack("<I", 8) + data[at + 4 :]

    assert len(read_directories(data, limit=100)) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0" + bytes(500),
        b"MM\0+\0\x08\0\0" + b"\xff" * 8,
        b"II*\0\x08\0\0\0\xff\xff",
    ],
    ids=["head", "beyond-the-end", "zeros", "big-beyond", "entries-beyond"],
)
def test_damaged_files_have_no_page_with_a_size(data):
    assert shown_directories(read_directories(data, limit=9)) == []


def test_more_numbers_than_the_file_has_bytes_are_none():
    data = raw_tiff((4, 4), bytes(16))
    entry = struct.pack("<HHI", 273, 4, 1)
    data = data.replace(entry, struct.pack("<HHI", 273, 4, 2**31))

    [directory] = read_directories(data, limit=9)

    assert directory.numbers(TiffTag.STRIP_OFFSETS).size == 0


def test_many_entries_cost_little():
    entries = struct.pack("<HHII", 999, 4, 1, 0) * 65_535
    data = b"II*\0" + struct.pack("<IH", 8, 65_535) + entries + struct.pack("<I", 8)
    started = time.process_time()

    read_directories(data, limit=1000)

    assert time.process_time() - started < 1
