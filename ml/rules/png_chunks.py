"""PNGs without what is no part of the picture, and PNGs that were cut short.

Pillow refuses a whole file for a wrong checksum of a remark, and for remarks of more than a
megabyte; browsers show such pictures.
"""

import logging
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import ceil

logger = logging.getLogger(__name__)

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Of one file; further ones are not looked at.
MAX_CHUNKS = 200_000
# Pillow refuses larger ones, with the whole file.
_MAX_PROFILE_BYTES = 1_000_000
# Source: PNG, third edition, 5.6 and 11.3; what decides how the picture looks.
_SHOWN = {b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"eXIf", b"acTL", b"fcTL", b"fdAT"}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Of the rows, and of an interlaced file, whose last pass holds half the pixels.
_MIN_SHARE, _MIN_INTERLACED_SHARE = 0.5, 0.97
_HEADER_END = 33
# Bytes that are unpacked at a time.
_STEP = 2**20


@dataclass(frozen=True, slots=True)
class PngChunk:
    """Where a chunk lies in its file, in bytes, from its length on."""

    name: bytes
    start: int
    end: int  # behind its checksum, or behind the file where it is cut short
    is_whole: bool

    @property
    def is_ancillary(self) -> bool:
        """Whether decoders may do without it."""
        return bool(self.name[0] & 0x20)


def is_png(data: bytes) -> bool:
    """Return whether a file begins as a PNG."""
    return data[:8] == SIGNATURE


def png_end(data: bytes) -> int:
    """Return where a PNG ends: behind its last chunk, or the file where it has none."""
    ends = (chunk.end for chunk in islice(list_chunks(data), MAX_CHUNKS) if chunk.name == b"IEND")
    return next(ends, len(data))


def with_shown_chunks(data: bytes) -> bytes:
    """Return a PNG without remarks, and without damaged chunks that are not its pixels.

    A file in which there is nothing to leave out is returned as it is.
    """
    kept, left_out, end = [], 0, 8
    for number, chunk in enumerate(list_chunks(data)):
        if number == MAX_CHUNKS:
            return data
        end = chunk.end
        if not chunk.is_ancillary or _is_shown(data, chunk):
            kept.append(data[chunk.start : chunk.end])
        else:
            left_out += 1
    return b"".join([SIGNATURE, *kept, data[end:]]) if left_out else data


def _is_shown(data: bytes, chunk: PngChunk) -> bool:
    if chunk.name not in _SHOWN:
        return False
    content = undamaged_content(data, chunk)
    if content is None:
        logger.warning("damaged chunk passed over", extra={"chunk": chunk.name.decode("latin-1")})
        return False
    return chunk.name != b"iCCP" or _is_profile_small(content)


def undamaged_content(data: bytes, chunk: PngChunk) -> bytes | None:
    """Return what a chunk of this file holds; None where it is cut short or its checksum wrong."""
    content = data[chunk.start + 8 : chunk.end - 4]
    checksum = data[chunk.end - 4 : chunk.end]
    if not chunk.is_whole or struct.pack(">I", zlib.crc32(chunk.name + content)) != checksum:
        return None
    return content


def _is_profile_small(content: bytes) -> bool:
    """Return whether a profile unpacks to few bytes; no more than these are unpacked."""
    packed = content[content.find(b"\0") + 2 :]
    try:
        unpacked = zlib.decompressobj().decompress(packed, _MAX_PROFILE_BYTES + 1)
    except zlib.error as error:
        logger.warning("colour profile passed over", extra={"reason": str(error)})
        return False
    return len(unpacked) <= _MAX_PROFILE_BYTES


def completed_png(data: bytes) -> bytes | None:
    """Return a PNG that was cut short with its missing rows filled in.

    None where there are too few, or what is there is damaged. What is missing is black, or
    transparent where the picture can be. Nothing is unpacked beyond the pixels that the header
    declares; callers have checked how many these are.
    """
    sizes = _unpacked_sizes(data)
    if sizes is None:
        return None
    packer, unpacked = zlib.compressobj(1), 0
    packed = []
    try:
        for part in _unpacked(data, max_bytes=sizes.most):
            unpacked += len(part)
            packed.append(packer.compress(part))
    except zlib.error:
        return None
    if unpacked < sizes.enough:
        return None
    missing = sizes.most - unpacked
    packed += [packer.compress(bytes(min(_STEP, missing - at))) for at in range(0, missing, _STEP)]
    pixels = _chunk(b"IDAT", b"".join([*packed, packer.flush()]))
    before = (
        data[chunk.start : chunk.end]
        for chunk in islice(list_chunks(data), MAX_CHUNKS)
        if chunk.name in (b"IHDR", b"PLTE", *_SHOWN) and chunk.is_whole
    )
    return b"".join([SIGNATURE, *before, pixels, _chunk(b"IEND", b"")])


@dataclass(frozen=True, slots=True)
class _UnpackedSizes:
    """Bytes of rows: all that there may be, and as many as are enough to show a picture."""

    most: int
    enough: int


def _unpacked_sizes(data: bytes) -> _UnpackedSizes | None:
    """Return what the header declares; None where it is damaged."""
    if len(data) < _HEADER_END:
        return None
    width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    if colour not in _CHANNELS:
        return None
    row = 1 + (width * bits * _CHANNELS[colour] + 7) // 8
    if not interlaced:
        return _UnpackedSizes(row * height, ceil(row * height * _MIN_SHARE))
    # Each of Adam7's seven passes has rows of its own, with a byte and a part of a byte each.
    return _UnpackedSizes((row + 4) * height + 16, ceil(row * height * _MIN_INTERLACED_SHARE))


def _unpacked(data: bytes, *, max_bytes: int) -> Iterator[bytes]:
    """Yield the rows that are there, a step at a time.

    Raises:
        zlib.error: they are damaged.
    """
    unpacker, left = zlib.decompressobj(), max_bytes
    for chunk in islice(list_chunks(data), MAX_CHUNKS):
        packed = b""
        if chunk.name == b"IDAT":
            packed = data[chunk.start + 8 : chunk.end - 4 if chunk.is_whole else chunk.end]
        while packed and left > 0:
            part = unpacker.decompress(packed, min(_STEP, left))
            packed, left = unpacker.unconsumed_tail, left - len(part)
            yield part


def list_chunks(data: bytes) -> Iterator[PngChunk]:
    """Yield the chunks of a PNG to its last, or to the end of the file."""
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        name, end = data[at + 4 : at + 8], at + 12 + length
        yield PngChunk(name, at, min(end, len(data)), is_whole=end <= len(data))
        if name == b"IEND":
            return
        at = end


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)
