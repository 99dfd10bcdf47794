"""WebP: chunks EXIF and XMP.

Source: RFC 9649, 2.3 and 2.7.1.5.
"""

from ingestion.embedded.problems import BROKEN_CONTAINER
from ingestion.embedded.records import Records, without_exif_mark

# A frame is a chunk; more frames than any file may have that is taken in.
_MAX_CHUNKS = 100_000
_HEAD_BYTES = 12
_NAMES = (b"EXIF", b"XMP ")


def is_webp(data: bytes) -> bool:
    """Return whether a file begins as a WebP."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def read_webp(data: bytes) -> Records:
    """Return the records of a WebP. Of several of a kind, the first counts."""
    found: dict[bytes, bytes] = {}
    problems: tuple[str, ...] = ()
    at = _HEAD_BYTES
    for _ in range(_MAX_CHUNKS):
        name, start = data[at : at + 4], at + 8
        length = int.from_bytes(data[at + 4 : start], "little")
        if start > len(data):
            break
        if start + length > len(data):
            problems = (BROKEN_CONTAINER,)
            break
        if name in _NAMES:
            found.setdefault(name, data[start : start + length])
        at = start + length + length % 2
    exif = without_exif_mark(found.get(b"EXIF", b""))
    return Records(xmp=found.get(b"XMP ", b""), exif=exif, problems=problems)
