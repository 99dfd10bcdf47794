"""What the directories of a TIFF say: one stands for each page, and lists its tags.

Numbers that decide how a page is read, and bytes of tags that a caller asks for; never more of
them than the file has. EXIF in files of other formats is such a directory, too.
"""

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

# Of one directory; writers use some dozens. Further ones are passed over.
_MAX_ENTRIES = 512
# Of one tag; a page of 100 megapixels has 10,000 strips. Further ones are passed over.
_MAX_NUMBERS = 200_000
# What is larger is passed over where profiles are applied.
_MAX_PROFILE_BYTES = 4_000_001
# Source: TIFF 6.0, section 2, and the BigTIFF design: the codes of types and their values in numpy.
_TYPES = {1: "u1", 3: "u2", 4: "u4", 7: "u1", 13: "u4", 16: "u8"}
# The bytes of one value, by type, where a tag holds text or a packet. Exif 3.0 adds 129, UTF-8.
_BYTES_BY_TYPE = {1: 1, 2: 1, 4: 4, 6: 1, 7: 1, 129: 1}


class TiffTag(IntEnum):
    """Sources: TIFF 6.0, appendix A; ICC.1:2022, B.4; Exif 2.32, 4.6; XMP, part 3, 3.3."""

    NEW_SUBFILE_TYPE = 254
    SUBFILE_TYPE = 255
    WIDTH = 256
    HEIGHT = 257
    BITS_PER_SAMPLE = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    IMAGE_DESCRIPTION = 270
    STRIP_OFFSETS = 273
    ORIENTATION = 274
    SAMPLES_PER_PIXEL = 277
    ROWS_PER_STRIP = 278
    STRIP_BYTE_COUNTS = 279
    PLANAR_CONFIGURATION = 284
    ARTIST = 315
    PREDICTOR = 317
    COLOUR_MAP = 320
    TILE_WIDTH = 322
    TILE_HEIGHT = 323
    TILE_OFFSETS = 324
    TILE_BYTE_COUNTS = 325
    EXTRA_SAMPLES = 338
    SAMPLE_FORMAT = 339
    XMP = 700
    COPYRIGHT = 33432
    IIM = 33723
    PHOTOSHOP = 34377
    EXIF = 34665
    ICC_PROFILE = 34675
    DATE_TIME_ORIGINAL = 36867
    OFFSET_TIME_ORIGINAL = 36881
    SUBSEC_TIME_ORIGINAL = 37521


class TiffDirectory:
    """The tags of one page. It reads numbers and decides nothing about pixels.

    Attributes:
        offset: where it begins in the file, bytes.
        order: "<" or ">", how the file's numbers are written.
        following: where the next one begins; 0 where this is the last.
    """

    def __init__(self, data: bytes, offset: int) -> None:
        self.offset = offset
        self.order: Literal["<", ">"] = "<" if data[:1] == b"I" else ">"
        is_big = data[2:4] in (b"+\0", b"\0+")
        count, entry, number = ("Q", "HHQ8s", "Q") if is_big else ("H", "HHI4s", "I")
        self._data = data
        self._pointer = struct.Struct(self.order + number)
        head = struct.Struct(self.order + count)
        each = struct.Struct(self.order + entry)
        (entries,) = head.unpack_from(data, offset)
        start = offset + head.size
        end = start + entries * each.size
        is_last = end + self._pointer.size > len(data)
        self.following = 0 if is_last else self._pointer.unpack_from(data, end)[0]
        self._fields: dict[int, tuple[int, int, bytes]] = {}
        for at in range(start, min(end, start + _MAX_ENTRIES * each.size), each.size):
            if at + each.size > len(data):
                break
            tag, code, values, field = each.unpack_from(data, at)
            self._fields.setdefault(tag, (code, values, field))

    def numbers(self, tag: TiffTag) -> NDArray[np.int64]:
        """Return a tag's numbers, (N,) int64; none where it is missing or lies beyond the file."""
        return self._stored(tag, _MAX_NUMBERS).astype(np.int64)

    def _stored(self, tag: TiffTag, limit: int) -> NDArray[np.integer]:
        code, count, field = self._fields.get(tag, (0, 0, b""))
        count = min(count, limit)
        if code not in _TYPES:
            return np.zeros(0, np.uint8)
        dtype = np.dtype(self.order + _TYPES[code])
        if count * dtype.itemsize <= len(field):
            return np.frombuffer(field, dtype, count)
        (start,) = self._pointer.unpack(field)
        if start + count * dtype.itemsize > len(self._data):
            return np.zeros(0, np.uint8)
        return np.frombuffer(self._data, dtype, count, start)

    def content(self, tag: TiffTag) -> bytes:
        """Return a tag's bytes as they stand in the file; empty where it is missing.

        Raises:
            ValueError: it lies beyond the file, or holds neither text nor bytes.
        """
        code, count, field = self._fields.get(tag, (1, 0, b""))
        if code not in _BYTES_BY_TYPE:
            raise ValueError("a tag of another type")
        size = count * _BYTES_BY_TYPE[code]
        if size <= len(field):
            return field[:size]
        (start,) = self._pointer.unpack(field)
        if start + size > len(self._data):
            raise ValueError("a tag beyond the file")
        return self._data[start : start + size]

    def number(self, tag: TiffTag, default: int) -> int:
        """Return a tag's first number."""
        found = self.numbers(tag)
        return int(found[0]) if found.size else default

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, as stored; 0 where it does not say."""
        return self.number(TiffTag.WIDTH, 0), self.number(TiffTag.HEIGHT, 0)

    @property
    def bits(self) -> tuple[int, ...]:
        """Bits of each sample of a pixel, one number for all where the file has one."""
        return tuple(self.numbers(TiffTag.BITS_PER_SAMPLE)[:64].tolist()) or (1,)

    @property
    def is_preview(self) -> bool:
        """Whether it says that it is another page in less detail."""
        old = self.number(TiffTag.SUBFILE_TYPE, 1)
        return bool(self.number(TiffTag.NEW_SUBFILE_TYPE, 0) & 1) or old == 2  # noqa: PLR2004 - TIFF 6.0: reduced

    @property
    def is_mask(self) -> bool:
        """Whether it says which pixels of another page are seen."""
        return bool(self.number(TiffTag.NEW_SUBFILE_TYPE, 0) & 4)

    @property
    def icc_profile(self) -> bytes:
        """The colour profile; empty where there is none."""
        return self._stored(TiffTag.ICC_PROFILE, _MAX_PROFILE_BYTES).astype(np.uint8).tobytes()


def is_tiff(data: bytes) -> bool:
    """Return whether a file begins as a TIFF or a BigTIFF, of either byte order."""
    return data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_directories(data: bytes, *, limit: int) -> list[TiffDirectory]:
    """Return the first directories of a TIFF, as many as `limit` at most.

    The list ends where the file does, and before one that was there already.
    """
    found: list[TiffDirectory] = []
    seen = {0}
    offset = _first_offset(data)
    while offset not in seen and len(found) < limit:
        seen.add(offset)
        try:
            found.append(TiffDirectory(data, offset))
        except (struct.error, OverflowError, ValueError):  # it lies beyond the file's end
            break
        offset = found[-1].following
    return found


def beginning_at(data: bytes, directory: TiffDirectory) -> bytes:
    """Return the file with another page as its first."""
    at, number = (8, "Q") if data[2:4] in (b"+\0", b"\0+") else (4, "I")
    pointer = struct.pack(directory.order + number, directory.offset)
    return data[:at] + pointer + data[at + len(pointer) :]


def shown_directories(directories: Sequence[TiffDirectory]) -> list[TiffDirectory]:
    """Return the pages that are pictures: neither previews of others nor masks.

    Where there is nothing but previews, as before a camera's raw data, it is the largest of them.
    """
    pictures = [each for each in directories if min(each.size) > 0 and not each.is_mask]
    whole = [each for each in pictures if not each.is_preview]
    if not whole and pictures:
        whole = [max(pictures, key=lambda each: each.size[0] * each.size[1])]
    return whole


def _first_offset(data: bytes) -> int:
    order = "<" if data[:1] == b"I" else ">"
    at, number = (8, "Q") if data[2:4] in (b"+\0", b"\0+") else (4, "I")
    try:
        return int(struct.unpack_from(order + number, data, at)[0])
    except struct.error:
        return 0
