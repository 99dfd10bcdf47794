"""Where a picture ends in its file, by what its format says of itself.

Sources: ITU-T T.81 annex B (JPEG), RFC 9649 (WebP), ISO/IEC 14496-12 4.2 (HEIF, AVIF).
"""

import re
from collections.abc import Callable, Mapping

from ml.rules.frame_count import gif_end
from ml.rules.png_chunks import png_end

# A marker of a JPEG: not a stuffed byte, a restart or a fill byte among its coded samples.
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_END_OF_IMAGE = b"\xd9"
_MAX_MARKERS = 200_000
_BOX_TYPE = re.compile(rb"ftyp|styp|meta|mdat|moov|moof|mfra|sidx|free|skip|wide|uuid")
_BOX_HEAD_BYTES = 8


def without_trailer(data: bytes, file_format: str) -> bytes:
    """Return a picture file without what follows the picture.

    A file whose end is not found is returned as it is: it is damaged, or of a format (BMP, TIFF)
    whose parts may lie anywhere.

    Args:
        data: the file.
        file_format: a value of `ml.rules.file_types.FORMATS`.
    """
    find_end = _ENDS.get(file_format)
    return data if find_end is None else data[: find_end(data)]


def _jpeg_end(data: bytes) -> int:
    """Return where the first picture ends: other views of an MPO are never shown."""
    offset = 2
    for _ in range(_MAX_MARKERS):
        marker = _MARKER.search(data, offset)
        if marker is None:
            break
        if marker[1] == _END_OF_IMAGE:
            return marker.end()
        offset = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    return len(data)


def _webp_end(data: bytes) -> int:
    length = int.from_bytes(data[4:8], "little")
    return 8 + length + length % 2


def _boxes_end(data: bytes) -> int:
    """Return where the boxes end; one may say that it goes on to the end of the file."""
    offset = 0
    while _BOX_TYPE.fullmatch(data, offset + 4, offset + _BOX_HEAD_BYTES):
        length = int.from_bytes(data[offset : offset + 4])
        if length == 1:
            length = int.from_bytes(data[offset + 8 : offset + 16])
        if length < _BOX_HEAD_BYTES:
            return len(data)
        offset += length
    return offset


_ENDS: Mapping[str, Callable[[bytes], int]] = {
    "jpeg": _jpeg_end,
    "png": png_end,
    "gif": gif_end,
    "webp": _webp_end,
    "heic": _boxes_end,
    "avif": _boxes_end,
}
