"""PNG: chunks eXIf, tEXt, zTXt and iTXt, with XMP, remarks, and what ImageMagick keeps in remarks.

Sources: PNG, third edition, 11.3.3 and 11.3.4.5; XMP, part 3, 1.1.5; ImageMagick, coders/png.c.
"""

import zlib
from collections.abc import Mapping
from itertools import islice

from ingestion.embedded.iim import read_resources
from ingestion.embedded.problems import BROKEN_CONTAINER, BROKEN_IIM, RecordError
from ingestion.embedded.records import Records, without_exif_mark
from ingestion.embedded.text import decoded
from ingestion.embedded.xmp import MAX_XMP_BYTES
from ml.rules.png_chunks import MAX_CHUNKS, list_chunks, undamaged_content

_NAMES = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")
_XMP = b"XML:com.adobe.xmp"
_TEXTS = (b"Title", b"Author", b"Description", b"Copyright")
_RAW_EXIF, _RAW_IIM = b"Raw profile type exif", b"Raw profile type iptc"
_KEYWORDS = frozenset((*_TEXTS, _XMP, _RAW_EXIF, _RAW_IIM))
_MAX_KEYWORD_BYTES = 79


def read_png(data: bytes) -> Records:
    """Return the records of a PNG. Of several of a kind, the first counts."""
    problems: list[str] = []
    found: dict[bytes, bytes] = {}
    for chunk in islice(list_chunks(data), MAX_CHUNKS):
        if chunk.name not in _NAMES:
            continue
        content = undamaged_content(data, chunk)
        if content is None:
            problems.append(BROKEN_CONTAINER)
            continue
        keyword = content[: _MAX_KEYWORD_BYTES + 1].partition(b"\0")[0]
        if chunk.name == b"eXIf":
            found.setdefault(chunk.name, content)
        elif keyword in _KEYWORDS and keyword not in found:
            found[keyword] = b""  # so that no further one is unpacked
            try:
                found[keyword] = _text(chunk.name, content[len(keyword) + 1 :])
            except RecordError as error:
                problems.append(error.code)
    return _records(found, problems)


def _records(found: Mapping[bytes, bytes], problems: list[str]) -> Records:
    iim = _raw_profile(found.get(_RAW_IIM, b""), problems)
    digest = b""
    if iim.startswith(b"8BIM"):
        resources = read_resources(iim)
        iim, digest = resources.iim, resources.digest
        if resources.is_broken:
            problems.append(BROKEN_IIM)
    exif = found.get(b"eXIf") or _raw_profile(found.get(_RAW_EXIF, b""), problems)
    return Records(
        xmp=found.get(_XMP, b""),
        iim=iim,
        iim_digest=digest,
        exif=without_exif_mark(exif),
        texts={name.decode(): decoded(found[name]) for name in _TEXTS if name in found},
        problems=tuple(problems),
    )


def _text(kind: bytes, content: bytes) -> bytes:
    """Return the text behind a keyword.

    Raises:
        RecordError: it does not unpack, or to more than any record may have.
    """
    if kind == b"tEXt":
        return content
    if kind == b"zTXt":
        return _unpacked(content[1:])
    _language, _, rest = content[2:].partition(b"\0")
    _translated, _, text = rest.partition(b"\0")
    return _unpacked(text) if content[:1] == b"\1" else text


def _unpacked(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, MAX_XMP_BYTES + 1)
    except zlib.error as error:
        raise RecordError(BROKEN_CONTAINER) from error
    if not unpacker.eof:
        raise RecordError(BROKEN_CONTAINER)
    return text


def _raw_profile(text: bytes, problems: list[str]) -> bytes:
    """Return a record that ImageMagick wrote as a name, a length and hexadecimal digits."""
    if not text:
        return b""
    try:
        _name, length, digits = text.strip().split(b"\n", 2)
        content = bytes.fromhex(digits.decode("ascii"))
        is_whole = len(content) == int(length[:10])
    except ValueError:
        is_whole = False
    if is_whole:
        return content
    problems.append(BROKEN_CONTAINER)
    return b""
