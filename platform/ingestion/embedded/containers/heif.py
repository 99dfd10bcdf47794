"""HEIC and AVIF: items of the types Exif and mime, which a box of metadata lists.

Sources: ISO/IEC 14496-12, 4.2 and 8.11 (meta, iinf, infe, iloc, idat); ISO/IEC 23008-12, annex A.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ingestion.embedded.problems import BROKEN_CONTAINER, RecordError
from ingestion.embedded.records import Records, without_exif_mark
from ingestion.embedded.xmp import MAX_XMP_BYTES

# Of one kind in one box; tiles of large pictures are items, too, of one extent each.
_MAX_BOXES = _MAX_ITEMS = 20_000
_MAX_EXTENTS = 1_000
_MAX_ITEM_BYTES = MAX_XMP_BYTES
_EXIF, _XMP = b"Exif", b"mime"
_XMP_CONTENT_TYPE = b"application/rdf+xml"
# Where an item lies: the file, or the box `idat` beside the list.
_IN_FILE, _IN_BOX = 0, 1
_LONG_HEAD_BYTES = 16


@dataclass(frozen=True, slots=True)
class _IsoBox:
    """Where a box's content lies in the file, in bytes."""

    kind: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Extent:
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class _Location:
    """An item's parts, one behind the other; offsets count from where `construction` says."""

    construction: int
    extents: tuple[_Extent, ...]


class _Cursor:
    """Reads numbers of a box, and never beyond it."""

    def __init__(self, data: bytes, box: _IsoBox) -> None:
        self._data = data
        self._at = box.start
        self._end = box.end

    def number(self, size: int) -> int:
        """Return a number of so many bytes; 0 of none."""
        return int.from_bytes(self.take(size))

    def take(self, size: int) -> bytes:
        """Return the next bytes.

        Raises:
            RecordError: they lie behind the box.
        """
        start, self._at = self._at, self._at + size
        if self._at > self._end:
            raise RecordError(BROKEN_CONTAINER)
        return self._data[start : self._at]

    def text(self) -> bytes:
        """Return the bytes up to the next zero."""
        end = self._data.find(b"\0", self._at, self._end)
        text = self.take((end if end >= 0 else self._end) - self._at)
        self._at += 1
        return text

    @property
    def rest(self) -> _IsoBox:
        """What was not read yet."""
        return _IsoBox(b"", self._at, self._end)


def is_heif(data: bytes) -> bool:
    """Return whether a file begins as HEIC and AVIF do."""
    return data[4:8] == b"ftyp"


def read_heif(data: bytes) -> Records:
    """Return the records of the file. Of several of a kind, the first counts."""
    try:
        items = _read_items(data)
        exif, xmp = items.get(_EXIF, b""), items.get(_XMP, b"")
    except RecordError as error:
        return Records(problems=(error.code,))
    # EXIF begins with the distance to itself.
    exif = exif[4 + int.from_bytes(exif[:4]) :]
    return Records(xmp=xmp, exif=without_exif_mark(exif))


def _read_items(data: bytes) -> dict[bytes, bytes]:
    """Return the contents of the items that hold metadata, by their types."""
    top = _first(data, _IsoBox(b"", 0, len(data)), b"meta")
    if top is None:
        return {}
    meta = _IsoBox(b"meta", top.start + 4, top.end)
    entries, locations = _first(data, meta, b"iinf"), _first(data, meta, b"iloc")
    if entries is None or locations is None:
        return {}
    ids = _wanted_ids(data, entries)
    found = _locations(data, locations, set(ids.values()))
    inside = _first(data, meta, b"idat")
    return {
        kind: _content(data, found[number], inside)
        for kind, number in ids.items()
        if number in found
    }


def _wanted_ids(data: bytes, entries: _IsoBox) -> dict[bytes, int]:
    cursor = _Cursor(data, entries)
    version = cursor.number(4) >> 24
    cursor.take(2 if version == 0 else 4)
    ids: dict[bytes, int] = {}
    for entry in _boxes(data, cursor.rest):
        cursor = _Cursor(data, entry)
        version = cursor.number(4) >> 24
        if version < 2:  # noqa: PLR2004 - such entries name no type
            continue
        number = cursor.number(2 if version == 2 else 4)  # noqa: PLR2004 - longer from 3 on
        cursor.take(2)
        kind = cursor.take(4)
        if kind == _XMP:
            cursor.text()
            if cursor.text() != _XMP_CONTENT_TYPE:
                continue
        if kind in (_EXIF, _XMP):
            ids.setdefault(kind, number)
    return ids


def _locations(data: bytes, box: _IsoBox, wanted: Collection[int]) -> dict[int, _Location]:
    cursor = _Cursor(data, box)
    version = cursor.number(4) >> 24
    sizes = cursor.number(2)
    offset_size, length_size, base_size, index_size = (
        sizes >> shift & 15 for shift in (12, 8, 4, 0)
    )
    index_size = index_size if version else 0
    id_size = 2 if version < 2 else 4  # noqa: PLR2004 - longer from 2 on
    found: dict[int, _Location] = {}
    for _ in range(min(cursor.number(id_size), _MAX_ITEMS)):
        number = cursor.number(id_size)
        construction = cursor.number(2) & 15 if version else _IN_FILE
        cursor.take(2)
        base = cursor.number(base_size)
        count = cursor.number(2)
        if number not in wanted or number in found:
            cursor.take(count * (index_size + offset_size + length_size))
            continue
        extents = []
        for _ in range(min(count, _MAX_EXTENTS)):
            cursor.take(index_size)
            offset = base + cursor.number(offset_size)
            extents.append(_Extent(offset, cursor.number(length_size)))
        found[number] = _Location(construction, tuple(extents))
    return found


def _content(data: bytes, location: _Location, inside: _IsoBox | None) -> bytes:
    whole = _IsoBox(b"", 0, len(data)) if location.construction == _IN_FILE else inside
    if whole is None or location.construction not in (_IN_FILE, _IN_BOX):
        raise RecordError(BROKEN_CONTAINER)
    parts, size = [], 0
    for extent in location.extents:
        start = whole.start + extent.offset
        end = start + extent.length if extent.length else whole.end
        size += end - start
        if start > end or end > whole.end or size > _MAX_ITEM_BYTES:
            raise RecordError(BROKEN_CONTAINER)
        parts.append(data[start:end])
    return b"".join(parts)


def _first(data: bytes, around: _IsoBox, kind: bytes) -> _IsoBox | None:
    return next((box for box in _boxes(data, around) if box.kind == kind), None)


def _boxes(data: bytes, around: _IsoBox) -> Iterator[_IsoBox]:
    """Yield the boxes inside another.

    Raises:
        RecordError: one is longer than what it lies in, after those before it.
    """
    at = around.start
    for _ in range(_MAX_BOXES):
        head = data[at : min(at + _LONG_HEAD_BYTES, around.end)]
        if not head:
            return
        length, head_bytes = int.from_bytes(head[:4]), 8
        if length == 1:
            length, head_bytes = int.from_bytes(head[8:16]), 16
        elif length == 0:
            length = around.end - at
        if len(head) < head_bytes or length < head_bytes or at + length > around.end:
            raise RecordError(BROKEN_CONTAINER)
        yield _IsoBox(head[4:8], at + head_bytes, at + length)
        at += length
