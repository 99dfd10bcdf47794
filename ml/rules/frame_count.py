"""More frames than allowed? Counted only to the limit: a small file may hold half a million."""

from PIL import Image


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


def _count_gif_frames(data: bytes, *, enough: int) -> int:
    """Count frames by their headers: Pillow's own count has no end, and its seeking decodes.

    Source: GIF89a specification, sections 15 and 18 to 27.
    """
    frames = 0
    offset = 13 + _colour_table_bytes(data[10])
    while offset < len(data) and data[offset] != ord(";") and frames < enough:
        if data[offset] == ord(","):
            frames += 1
            offset = _after_blocks(data, offset + 11 + _colour_table_bytes(data[offset + 9]))
        elif data[offset] == ord("!"):
            offset = _after_blocks(data, offset + 2)
        else:  # passed over, as decoders do
            offset += 1
    return frames


def _colour_table_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: bytes, offset: int) -> int:
    """Return the offset behind a chain of blocks, each led by its length; 0 ends the chain."""
    while offset < len(data) and data[offset]:
        offset += data[offset] + 1
    return offset + 1
