"""JPEG: segments APP1 (EXIF, XMP) and APP13 (Photoshop's resources, with IIM).

Sources: ITU-T T.81, B.1.1; XMP, part 3, 1.1.3; Exif 2.32, 4.7.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ingestion.embedded.iim import read_resources
from ingestion.embedded.problems import BROKEN_CONTAINER, BROKEN_IIM, RecordError
from ingestion.embedded.records import Records

_MAX_SEGMENTS = 10_000
_MARKER = re.compile(rb"\xff++([\x01-\xfe])")
_APP1, _APP13, _START_OF_SCAN, _END_OF_IMAGE = 0xE1, 0xED, 0xDA, 0xD9
# Markers that stand alone: TEM, RST0 to RST7, SOI.
_WITHOUT_CONTENT = frozenset((0x01, *range(0xD0, 0xD9)))
_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"


@dataclass(frozen=True, slots=True)
class _JpegSegment:
    marker: int
    content: bytes

    def starts(self, marker: int, mark: bytes) -> bool:
        return self.marker == marker and self.content.startswith(mark)


def is_jpeg(data: bytes) -> bool:
    """Return whether a file begins as a JPEG."""
    return data[:3] == b"\xff\xd8\xff"


def read_jpeg(data: bytes) -> Records:
    """Return the records before the first picture's pixels. Of EXIF and XMP, the first counts."""
    segments: list[_JpegSegment] = []
    problems: list[str] = []
    try:
        for segment in _segments(data):
            segments.append(segment)
    except RecordError as error:
        problems.append(error.code)

    def contents(marker: int, mark: bytes) -> tuple[bytes, ...]:
        found = (segment for segment in segments if segment.starts(marker, mark))
        return tuple(segment.content[len(mark) :] for segment in found)

    # Long ones are cut anywhere and go on in the next segment.
    resources = read_resources(b"".join(contents(_APP13, _PHOTOSHOP)))
    if resources.is_broken:
        problems.append(BROKEN_IIM)
    return Records(
        xmp=next(iter(contents(_APP1, _XMP)), b""),
        xmp_extensions=contents(_APP1, _XMP_EXTENSION),
        iim=resources.iim,
        iim_digest=resources.digest,
        exif=next(iter(contents(_APP1, _EXIF)), b""),
        problems=tuple(problems),
    )


def _segments(data: bytes) -> Iterator[_JpegSegment]:
    """Yield the APP1 and APP13 segments before the pixels.

    Raises:
        RecordError: `BROKEN_CONTAINER`, no pixels follow, after what was yielded.
    """
    at = 2
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER.match(data, at)
        if found is None:
            break
        marker, at = found[1][0], found.end()
        if marker in (_START_OF_SCAN, _END_OF_IMAGE):
            return
        if marker in _WITHOUT_CONTENT:
            continue
        length = int.from_bytes(data[at : at + 2])
        if at + length > len(data):
            break
        if marker in (_APP1, _APP13):
            yield _JpegSegment(marker, data[at + 2 : at + length])
        at += length
    raise RecordError(BROKEN_CONTAINER)
