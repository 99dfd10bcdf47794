"""The strips and tiles of TIFF pages as blocks of samples, as they are stored.

Only what unpacks bytes comes from libraries: zlib, and libtiff through Pillow. Nothing more is ever
unpacked than a strip or tile holds by the page's own size, so that a small file cannot fill the
memory.

Source: TIFF 6.0; predictor 3: Adobe Photoshop TIFF Technical Note 3.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import accumulate, groupby, islice
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import TiffImagePlugin

from ml.rules.refusals import PictureRefused, Refusal
from ml.rules.tiff_directories import TiffDirectory, TiffTag

MAX_SAMPLES = 16
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_RAW, _DEFLATE = 1, (8, 32946)
_BY_LIBTIFF = (5, 32773, 34925, 50000)  # LZW, PackBits, LZMA, Zstandard
_DIFFERENCES, _FLOAT_DIFFERENCES = 2, 3
_SEPARATE_PLANES, _LOWEST_BIT_FIRST = 2, 2
_DTYPES = {
    **{(_UNSIGNED, bits): np.dtype("u1" if bits <= 8 else "u2") for bits in range(1, 17)},  # noqa: PLR2004 - a byte
    **{(_SIGNED, bits): np.dtype(f"i{bits // 8}") for bits in (8, 16, 32)},
    **{(_FLOAT, bits): np.dtype(f"f{bits // 8}") for bits in (16, 32, 64)},
    (_UNSIGNED, 32): np.dtype("u4"),
}
# Strips or tiles; three planes of a page of 100 megapixels have 30,000 rows.
_MAX_SEGMENTS = 60_000
# No compression makes bytes more than half as many again; a strip may be as long as the file says.
_MAX_EXPANSION, _MAX_EXTRA_BYTES = 2, 4096
# Samples that are worked on at a time, 8 bytes each.
_BLOCK_SAMPLES = 4_000_000
_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, slots=True)
class SampleFormat:
    """How the samples of a page are stored.

    Attributes:
        dtype: the native type that holds one.
        bits: of each; fewer than the type has, where they are packed.
        samples: of a pixel.
        is_planar: whether each sample of all pixels stands by itself.
    """

    dtype: np.dtype[np.generic]
    bits: int
    samples: int
    is_planar: bool


@dataclass(frozen=True, slots=True)
class SampleBlock:
    """Some rows of a strip or tile, which may reach over the page's edges.

    Attributes:
        x: of its first pixel on the page.
        y: of its first pixel on the page.
        sample: which sample of a pixel its first channel is.
        values: (H, W, C), native byte order.
    """

    x: int
    y: int
    sample: int
    values: NDArray[np.generic]


def sample_format_of(directory: TiffDirectory) -> SampleFormat | None:
    """Return how a page's samples are stored; None where they cannot be unpacked here."""
    bits = directory.bits
    formats = directory.numbers(TiffTag.SAMPLE_FORMAT)[:MAX_SAMPLES].tolist() or [_UNSIGNED]
    samples = directory.number(TiffTag.SAMPLES_PER_PIXEL, 1)
    dtype = _DTYPES.get((formats[0], bits[0]))
    is_uniform = len({*bits}) == 1 and len({*formats}) == 1
    if dtype is None or not is_uniform or not 1 <= samples <= MAX_SAMPLES:
        return None
    planar = directory.number(TiffTag.PLANAR_CONFIGURATION, 1) == _SEPARATE_PLANES
    found = SampleFormat(dtype, bits[0], samples, is_planar=planar and samples > 1)
    return found if _is_unpacked(directory, found) else None


def sample_blocks(
    data: bytes, directory: TiffDirectory, stored: SampleFormat, *, wanted: frozenset[int]
) -> Iterator[SampleBlock]:
    """Yield the samples of a page in blocks of rows.

    Args:
        data: the file.
        directory: the page.
        stored: what `sample_format_of` returned.
        wanted: samples of a pixel; planes of others are not unpacked.

    Raises:
        PictureRefused: strips or tiles are missing, cut short or damaged.
    """
    height = directory.size[1]
    grid = _grid(directory)
    channels = 1 if stored.is_planar else stored.samples
    planes = stored.samples if stored.is_planar else 1
    starts, lengths = _segments(data, directory, grid, needed=planes * grid.across * grid.down)
    segments = (
        segment
        for segment in _segments_of(grid, starts, lengths, height=height)
        if not stored.is_planar or segment.plane in wanted
    )
    for rows, alike in groupby(segments, key=lambda segment: segment.rows):
        shape = _SegmentShape(stored, directory, grid.width, rows, channels)
        for segment, raw in _decompressed(data, alike, shape):
            for top, values in _row_blocks(raw, shape):
                if segment.y + top < height:
                    yield SampleBlock(segment.x, segment.y + top, segment.plane, values)


@dataclass(frozen=True, slots=True)
class _Segment:
    """A strip or tile: where it is on the page and in the file, and how many rows it holds."""

    plane: int
    x: int
    y: int
    rows: int
    start: int
    length: int


def _segments_of(
    grid: "_SegmentGrid", starts: list[int], lengths: list[int], *, height: int
) -> Iterator[_Segment]:
    """Yield a page's strips or tiles in the order of the file."""
    for number, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        plane, cell = divmod(number, grid.across * grid.down)
        row, column = divmod(cell, grid.across)
        y = row * grid.height
        rows = grid.height if grid.is_tiled else min(grid.height, height - y)
        yield _Segment(plane, column * grid.width, y, rows, start, length)


@dataclass(frozen=True, slots=True)
class _SegmentGrid:
    """How a page is cut: pixels of a strip or tile, and how many there are."""

    width: int
    height: int
    across: int
    down: int
    is_tiled: bool


def _grid(directory: TiffDirectory) -> _SegmentGrid:
    page_width, page_height = directory.size
    width = directory.number(TiffTag.TILE_WIDTH, 0)
    is_tiled = width > 0
    if is_tiled:
        height = directory.number(TiffTag.TILE_HEIGHT, 0)
    else:
        width = page_width
        height = min(directory.number(TiffTag.ROWS_PER_STRIP, page_height), page_height)
    # A tile may be larger than a small page, but no bomb.
    if height <= 0 or width * height > 4 * page_width * page_height + 2**20:
        raise PictureRefused(Refusal.BROKEN, "Its strips or tiles are of no possible size.")
    across, down = ceil(page_width / width), ceil(page_height / height)
    return _SegmentGrid(width, height, across, down, is_tiled)


def _segments(
    data: bytes, directory: TiffDirectory, grid: _SegmentGrid, *, needed: int
) -> tuple[list[int], list[int]]:
    """Return where the strips or tiles begin in the file, and how many bytes they have."""
    if grid.is_tiled:
        starts = directory.numbers(TiffTag.TILE_OFFSETS)
        lengths = directory.numbers(TiffTag.TILE_BYTE_COUNTS)
    else:
        starts = directory.numbers(TiffTag.STRIP_OFFSETS)
        lengths = directory.numbers(TiffTag.STRIP_BYTE_COUNTS)
        if lengths.size == 0 and starts.size == 1:  # old writers left it out
            lengths = np.array([len(data)])
    if needed > min(_MAX_SEGMENTS, starts.size, lengths.size):
        raise PictureRefused(Refusal.BROKEN, "Strips or tiles are missing.")
    return starts[:needed].tolist(), lengths[:needed].tolist()


@dataclass(frozen=True, slots=True)
class _SegmentShape:
    """What one strip or tile holds: `rows` rows of `width` pixels of `channels` samples."""

    stored: SampleFormat
    directory: TiffDirectory
    width: int
    rows: int
    channels: int

    @property
    def row_bytes(self) -> int:
        """Bytes of a row; each begins with a whole byte."""
        return (self.width * self.channels * self.stored.bits + 7) // 8

    @property
    def segment_bytes(self) -> int:
        """Bytes of all rows."""
        return self.row_bytes * self.rows

    @property
    def max_packed_bytes(self) -> int:
        """As many as can belong to it; many strips of a hostile file may share all of its bytes."""
        return _MAX_EXPANSION * self.segment_bytes + _MAX_EXTRA_BYTES


def _is_unpacked(directory: TiffDirectory, stored: SampleFormat) -> bool:
    """Return whether the page's compression and predictor are undone here."""
    compression = directory.number(TiffTag.COMPRESSION, _RAW)
    predictor = directory.number(TiffTag.PREDICTOR, 1)
    has_whole_bytes = stored.bits == 8 * stored.dtype.itemsize
    return compression in (_RAW, *_DEFLATE, *_BY_LIBTIFF) and (
        predictor == 1
        or (predictor == _DIFFERENCES and has_whole_bytes and stored.dtype.kind != "f")
        or (predictor == _FLOAT_DIFFERENCES and stored.dtype.kind == "f")
    )


def _row_blocks(raw: memoryview, shape: _SegmentShape) -> Iterator[tuple[int, NDArray[np.generic]]]:
    """Yield the first row and the samples, (H, W, C), of blocks of a strip's or tile's rows."""
    if len(raw) < shape.segment_bytes:
        raise PictureRefused(Refusal.BROKEN, "A strip or tile is cut short.")
    rows_each = max(1, _BLOCK_SAMPLES // (shape.width * shape.channels))
    for top in range(0, shape.rows, rows_each):
        rows = min(rows_each, shape.rows - top)
        part = np.frombuffer(raw, np.uint8, rows * shape.row_bytes, top * shape.row_bytes)
        yield top, _samples(part.reshape(rows, shape.row_bytes), shape)


def _decompressed(
    data: bytes, segments: Iterable[_Segment], shape: _SegmentShape
) -> Iterator[tuple[_Segment, memoryview]]:
    """Yield strips or tiles of one shape with their bytes, no more than belong to each."""
    compression = shape.directory.number(TiffTag.COMPRESSION, _RAW)
    segments = iter(segments)
    # A call of libtiff costs as much as unpacking a thousand bytes.
    together = max(1, _BLOCK_SAMPLES // shape.segment_bytes) if compression in _BY_LIBTIFF else 1
    while some := list(islice(segments, together)):
        packed = [_packed(data, segment, shape) for segment in some]
        try:
            if compression in _BY_LIBTIFF:
                raw = memoryview(_by_libtiff(packed, compression, shape))
            elif compression in _DEFLATE:
                raw = memoryview(zlib.decompressobj().decompress(packed[0], shape.segment_bytes))
            else:
                raw = memoryview(packed[0])
        except Exception as error:  # decoders raise any type on damaged bytes
            reason = f"A strip or tile is damaged: {error}"
            raise PictureRefused(Refusal.BROKEN, reason) from error
        for number, segment in enumerate(some):
            start = number * shape.segment_bytes
            yield segment, raw[start : start + shape.segment_bytes]


def _packed(data: bytes, segment: _Segment, shape: _SegmentShape) -> bytes:
    """Return a strip's or tile's bytes in the file, the highest bit first."""
    if not 0 <= segment.start < len(data):
        return b""
    length = max(0, min(segment.length, shape.max_packed_bytes))
    packed = data[segment.start : segment.start + length]
    if shape.directory.number(TiffTag.FILL_ORDER, 1) == _LOWEST_BIT_FIRST:
        return packed.translate(_REVERSED_BITS)
    return packed


def _by_libtiff(packed: Sequence[bytes], compression: int, shape: _SegmentShape) -> bytes:
    """Unpack strips or tiles of one shape with libtiff, as the strips of a grey TIFF of 8 bits."""
    count = len(packed)
    tables = 8 + 2 + 12 * 9 + 4  # behind nine entries
    starts = accumulate((len(each) for each in packed), initial=tables + 8 * count)
    offsets, lengths = list(starts)[:-1], [len(each) for each in packed]
    entries = {
        TiffTag.WIDTH: (1, shape.row_bytes),
        TiffTag.HEIGHT: (1, shape.rows * count),
        TiffTag.BITS_PER_SAMPLE: (1, 8),
        TiffTag.COMPRESSION: (1, compression),
        TiffTag.PHOTOMETRIC: (1, 1),
        TiffTag.STRIP_OFFSETS: (count, offsets[0] if count == 1 else tables),
        TiffTag.SAMPLES_PER_PIXEL: (1, 1),
        TiffTag.ROWS_PER_STRIP: (1, shape.rows),
        TiffTag.STRIP_BYTE_COUNTS: (count, lengths[0] if count == 1 else tables + 4 * count),
    }
    listed = b"".join(struct.pack("<HHII", tag, 4, *entry) for tag, entry in entries.items())
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + listed + bytes(4)
    arrays = struct.pack(f"<{2 * count}I", *offsets, *lengths)
    with TiffImagePlugin.TiffImageFile(BytesIO(b"".join([head, arrays, *packed]))) as strips:
        return strips.tobytes()


def _samples(rows: NDArray[np.uint8], shape: _SegmentShape) -> NDArray[np.generic]:
    """Return rows of bytes as (H, W, C) samples in native byte order, differences summed up."""
    stored, wanted = shape.stored, (len(rows), shape.width, shape.channels)
    if stored.bits != 8 * stored.dtype.itemsize:
        return _of_odd_bits(rows, shape).reshape(wanted)
    predictor = shape.directory.number(TiffTag.PREDICTOR, 1)
    if predictor == _FLOAT_DIFFERENCES:
        return _of_float_differences(rows, shape).reshape(wanted)
    written = stored.dtype.newbyteorder(shape.directory.order)
    samples = np.ascontiguousarray(rows).view(written).astype(stored.dtype).reshape(wanted)
    if predictor == _DIFFERENCES:
        return np.cumsum(samples, axis=1, dtype=stored.dtype)
    return samples


def _of_odd_bits(rows: NDArray[np.uint8], shape: _SegmentShape) -> NDArray[np.generic]:
    """Return samples that are no whole bytes, the highest bit first; each row begins with one."""
    bits, count = shape.stored.bits, shape.width * shape.channels
    each = np.unpackbits(rows, axis=1)[:, : count * bits].reshape(len(rows), count, bits)
    values = np.zeros((len(rows), count), shape.stored.dtype)
    for bit in range(bits):
        values = (values << 1) | each[..., bit]
    return values


def _of_float_differences(rows: NDArray[np.uint8], shape: _SegmentShape) -> NDArray[np.generic]:
    """Return floats whose bytes stand by their rank in a row, the highest first, as differences."""
    dtype = shape.stored.dtype
    pixels = rows.reshape(len(rows), -1, shape.channels)
    summed = np.cumsum(pixels, axis=1, dtype=np.uint8).reshape(len(rows), dtype.itemsize, -1)
    ranked = np.ascontiguousarray(summed.transpose(0, 2, 1))
    return ranked.view(dtype.newbyteorder(">")).astype(dtype)
