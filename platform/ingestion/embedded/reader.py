"""One answer from all records: which of them is asked first, and what is kept of it.

Order of the records, for each field by itself; the first that says something wins:

1. the sidecar, which editors write to last;
2. XMP, then IIM; turned round where the digest of IIM shows that it was edited after the XMP;
3. EXIF;
4. the remarks of a PNG.
"""

import re
from collections.abc import Callable, Sequence

from ingestion.embedded.containers import find_records
from ingestion.embedded.exif import read_exif
from ingestion.embedded.iim import is_newer_than_xmp, read_iim
from ingestion.embedded.metadata import EmbeddedMetadata, Statement
from ingestion.embedded.problems import (
    BROKEN_IIM,
    BROKEN_SIDECAR,
    CUT_TEXT,
    LARGE_SIDECAR,
    LARGE_XMP,
    UNCLEAR_DATE,
    RecordError,
)
from ingestion.embedded.records import Records
from ingestion.embedded.text import CleanText, cleaned
from ingestion.embedded.xmp import read_xmp

# In letters, as the columns have them.
_MAX_LENGTHS = {
    "title": 300,
    "description": 5_000,
    "creator": 1_000,
    "credit": 1_000,
    "rights": 1_000,
    "usage_terms": 1_000,
    "licensor": 1_000,
}
_WITH_LINES = ("description", "rights", "usage_terms")
_MAX_KEYWORDS, _MAX_KEYWORD_LENGTH = 500, 100
# What cameras and programs write as a caption or a creator when nobody has said anything.
_BY_MACHINES = re.compile(
    r"((olympus|minolta|konica minolta|samsung) )?digital camera|kodak digital still camera"
    r"|sony dsc|dcim|picasa( [\d.]+)?|imagej=.*|shape=\(.*\)|\{\"shape\": .*\}",
    re.IGNORECASE | re.DOTALL,
)


def read_embedded(data: bytes, *, sidecar: bytes | None = None) -> EmbeddedMetadata:
    """Return what a picture says of itself. Broken metadata never raise: they are left out.

    Pixels are not decoded; work and memory are bounded by the file's length.

    Args:
        data: a picture file of any format.
        sidecar: the XMP file beside it, which editors write instead of changing the picture.
    """
    records = find_records(data)
    statements = [
        *([_read_sidecar(sidecar)] if sidecar is not None else []),
        *_xmp_and_iim(records),
        _stated(read_exif, records.exif),
        _read_texts(records),
    ]
    problems = [*records.problems]
    for statement in statements:
        problems += statement.problems
    texts = {name: _first_text(name, statements, problems) for name in _MAX_LENGTHS}
    keywords = _first_keywords(statements, problems)
    date = next((each.date for each in statements if each.date is not None), None)
    if date is not None and date.moment is None:
        problems.append(UNCLEAR_DATE)
    return EmbeddedMetadata(
        **texts,
        keywords=keywords,
        taken_at=date.moment if date else None,
        problems=tuple(dict.fromkeys(problems)),
    )


def _stated(read: Callable[[bytes], Statement], record: bytes) -> Statement:
    if not record:
        return Statement()
    try:
        return read(record)
    except RecordError as error:
        return Statement(problems=(error.code,))


def _read_sidecar(sidecar: bytes) -> Statement:
    try:
        return read_xmp(sidecar)
    except RecordError as error:
        is_large = error.code == LARGE_XMP
        return Statement(problems=(LARGE_SIDECAR if is_large else BROKEN_SIDECAR,))


def _xmp_and_iim(records: Records) -> tuple[Statement, Statement]:
    """Return what both say, what was edited last first. A damaged block is none that was edited."""
    xmp = _stated(lambda packet: read_xmp(packet, records.xmp_extensions), records.xmp)
    iim = _stated(read_iim, records.iim)
    is_whole = BROKEN_IIM not in (*records.problems, *iim.problems)
    if is_whole and is_newer_than_xmp(records.iim, records.iim_digest):
        return iim, xmp
    return xmp, iim


def _read_texts(records: Records) -> Statement:
    texts = records.texts
    return Statement(
        title=texts.get("Title", ""),
        description=texts.get("Description", ""),
        creator=texts.get("Author", ""),
        rights=texts.get("Copyright", ""),
    )


def _first_text(name: str, statements: Sequence[Statement], problems: list[str]) -> str:
    for statement in statements:
        clean = _clean(name, getattr(statement, name))
        if clean.text:
            if clean.is_cut:
                problems.append(CUT_TEXT)
            return clean.text
    return ""


def _clean(name: str, text: str) -> CleanText:
    clean = cleaned(text, max_length=_MAX_LENGTHS[name], has_lines=name in _WITH_LINES)
    if name in ("description", "creator") and _BY_MACHINES.fullmatch(clean.text):
        return CleanText("", is_cut=False)
    return clean


def _first_keywords(statements: Sequence[Statement], problems: list[str]) -> tuple[str, ...]:
    for statement in statements:
        clean = [cleaned(each, max_length=_MAX_KEYWORD_LENGTH) for each in statement.keywords]
        keywords = list(dict.fromkeys(each.text for each in clean if each.text))
        if keywords:
            if len(keywords) > _MAX_KEYWORDS or any(each.is_cut for each in clean):
                problems.append(CUT_TEXT)
            return tuple(keywords[:_MAX_KEYWORDS])
    return ()
