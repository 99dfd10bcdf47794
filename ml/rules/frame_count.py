"""More frames than allowed? Counted only to the limit: a small file may hold half a million."""

import re
from collections.abc import Iterator
from itertools import islice

from PIL import Image

_BLOCK = re.compile(rb"[,!;]")
# Looked at for the end of a file; no more than that, however many are in it.
_MAX_BLOCKS = 200_000


def has_more_frames(picture: Image.Image, data: bytes, *, limit: int) -> bool:
    """Return whether an opened picture has more than `limit` frames; decodes none.

    Args:
        picture: as opened; of a TIFF the directories are counted instead.
        data: the file that it was opened from.
        limit: frames, at least 1.
    """
    if picture.format == "GIF":
        return _count_gif_frames(data, enough=limit + 1) > limit
    # Elsewhere the number stands in the header.
    return getattr(picture, "n_frames", 1) > limit


def gif_end(data: bytes) -> int:
    """Return where a GIF ends: behind its trailer, or the file where it has none."""
    end = len(data)
    for offset in islice(_gif_blocks(data), _MAX_BLOCKS):
        if data[offset] == ord(";"):
            end = offset + 1
    return end


def _count_gif_frames(data: bytes, *, enough: int) -> int:
    """Count frames by their headers: Pillow's own count has no end, and its seeking decodes."""
    frames = (offset for offset in _gif_blocks(data) if data[offset] == ord(","))
    return sum(1 for _ in islice(frames, enough))


def _gif_blocks(data: bytes) -> Iterator[int]:
    """Yield where each frame, extension and the trailer, which is the last, begins.

    Source: GIF89a specification, sections 15 and 18 to 27.
    """
    offset = 13 + _colour_table_bytes(data[10])
    # Anything else is passed over, as decoders do.
    while (found := _BLOCK.search(data, offset)) is not None:
        offset = found.start()
        yield offset
        if data[offset] == ord(","):
            if offset + 9 >= len(data):
                return
            offset = _after_blocks(data, offset + 11 + _colour_table_bytes(data[offset + 9]))
        elif data[offset] == ord("!"):
            offset = _after_blocks(data, offset + 2)
        else:
            return


def _colour_table_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: bytes, offset: int) -> int:
    """Return the offset behind a chain of blocks, each led by its length; 0 ends the chain."""
    while offset < len(data) and data[offset]:
        offset += data[offset] + 1
    return offset + 1
