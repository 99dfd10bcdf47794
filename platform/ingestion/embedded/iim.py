"""IPTC-IIM: the records of news agencies, and Photoshop's resources, in which they lie.

Sources: IPTC-NAA Information Interchange Model 4.2, 1.5 and 6; Adobe Photoshop File Formats, "Image
Resource Blocks".
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import md5

from ingestion.embedded.dates import StatedDate, read_iim_date
from ingestion.embedded.metadata import Statement
from ingestion.embedded.problems import BROKEN_IIM, UNCLEAR_DATE, RecordError
from ingestion.embedded.text import decoded

# Of one block; agencies write some dozens. Further ones are passed over.
_MAX_DATASETS = 10_000
_MAX_RESOURCES = 10_000
DATASET_MARKER = b"\x1c"
_DATASET_HEAD_BYTES = 5
# A longer one writes the length of its length instead.
_EXTENDED = 0x8000
_RESOURCE_HEAD_BYTES = 7  # to the length of its name
# Photoshop's own, and those of ImageReady, PhotoDeluxe, Lightroom and others.
_SIGNATURES = (b"8BIM", b"PHUT", b"DCSR", b"AgHg", b"MeSa", b"8B64")
_IIM_RESOURCE, _DIGEST_RESOURCE = 0x0404, 0x0425
_APPLICATION_RECORD = 2
_TITLE, _KEYWORD, _DAY, _TIME, _CREATOR = 5, 25, 55, 60, 80
_HEADLINE, _CREDIT, _RIGHTS, _CAPTION = 105, 110, 116, 120


@dataclass(frozen=True, slots=True)
class PhotoshopResources:
    """What Photoshop's resources hold of IIM.

    Attributes:
        iim: the block; empty where there is none.
        digest: MD5 of the block that the XMP was written beside; empty where there is none.
        is_broken: whether they ended before they should; what was read till then stands here.
    """

    iim: bytes
    digest: bytes
    is_broken: bool


def read_resources(data: bytes) -> PhotoshopResources:
    """Read Photoshop's resources, as they lie in a JPEG's APP13 segments and a TIFF's tag."""
    found: dict[int, bytes] = {}
    is_broken = False
    try:
        for number, content in _resources(data):
            found.setdefault(number, content)
    except RecordError:
        is_broken = True
    return PhotoshopResources(
        found.get(_IIM_RESOURCE, b""), found.get(_DIGEST_RESOURCE, b""), is_broken=is_broken
    )


def is_newer_than_xmp(iim: bytes, digest: bytes) -> bool:
    """Return whether IIM was edited after the XMP beside it: the digest is of another block.

    A TIFF's block is padded to whole numbers of four bytes, which the digest does not cover.
    """
    unpadded = (iim[: len(iim) - pad] for pad in range(4) if iim.endswith(bytes(pad)))
    return bool(digest) and digest not in {
        md5(block, usedforsecurity=False).digest() for block in unpadded
    }


def read_iim(block: bytes) -> Statement:
    """Return what a block says. Datasets before a damage are kept, with `BROKEN_IIM`."""
    problems: list[str] = []
    values: defaultdict[int, list[str]] = defaultdict(list)
    try:
        for number, value in _datasets(block):
            values[number].append(decoded(value))
    except RecordError as error:
        problems.append(error.code)
    return Statement(
        title=_first(values[_TITLE]) or _first(values[_HEADLINE]),
        description=_first(values[_CAPTION]),
        creator="; ".join(values[_CREATOR]),
        credit=_first(values[_CREDIT]),
        rights=_first(values[_RIGHTS]),
        keywords=tuple(values[_KEYWORD]),
        date=_date(_first(values[_DAY]), _first(values[_TIME]), problems),
        problems=tuple(problems),
    )


def _date(day: str, time: str, problems: list[str]) -> StatedDate | None:
    try:
        return read_iim_date(day, time=time)
    except ValueError:
        problems.append(UNCLEAR_DATE)
        return None


def _first(values: list[str]) -> str:
    return values[0] if values else ""


def _resources(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of each resource; what is cut short is yielded as far as it goes.

    Raises:
        RecordError: they end before they should, after what was yielded.
    """
    at = 0
    for _ in range(_MAX_RESOURCES):
        head = data[at : at + _RESOURCE_HEAD_BYTES]
        if not head.strip(b"\0"):  # the end, or what pads it
            return
        if head[:4] not in _SIGNATURES or len(head) < _RESOURCE_HEAD_BYTES:
            break
        number, name_length = int.from_bytes(head[4:6]), head[6] + 1
        start = at + 6 + name_length + name_length % 2 + 4
        length = int.from_bytes(data[start - 4 : start])
        if start > len(data):
            break
        yield number, data[start : start + length]
        at = start + length + length % 2
        if start + length > len(data):
            break
    raise RecordError(BROKEN_IIM)


def _datasets(block: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and value of each dataset of the application record.

    Raises:
        RecordError: they end before they should, after what was yielded.
    """
    at = 0
    for _ in range(_MAX_DATASETS):
        head = block[at : at + _DATASET_HEAD_BYTES]
        if not head.strip(b"\0"):  # the end, or what pads it
            return
        if head[:1] != DATASET_MARKER or len(head) < _DATASET_HEAD_BYTES:
            break
        start, length = at + _DATASET_HEAD_BYTES, int.from_bytes(head[3:])
        if length & _EXTENDED:
            start += length - _EXTENDED
            length = int.from_bytes(block[at + _DATASET_HEAD_BYTES : start])
        if start + length > len(block):
            break
        if head[1] == _APPLICATION_RECORD:
            yield head[2], block[start : start + length]
        at = start + length
    raise RecordError(BROKEN_IIM)
