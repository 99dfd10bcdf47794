"""XMP: RDF in XML, read without building a tree.

A packet comes from anybody. It may declare nothing (entities, external files), is limited in bytes,
nodes and depth, and only texts of properties that are looked for are held.

Sources: XMP Specification (ISO 16684-1) and part 3, 1.1.3.1 (packets that continue in further
segments); IPTC Photo Metadata Standard 2024.1; PLUS License Data Format.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import md5
from typing import NoReturn
from xml.parsers import expat

from ingestion.embedded.dates import StatedDate, read_date
from ingestion.embedded.metadata import Statement
from ingestion.embedded.problems import (
    BROKEN_EXTENDED_XMP,
    BROKEN_XMP,
    LARGE_XMP,
    UNCLEAR_DATE,
    RecordError,
)
from ingestion.embedded.text import MAX_RAW_LENGTH

MAX_XMP_BYTES = 4 * 2**20
# Elements and attributes. Histories of edits have some thousands.
_MAX_NODES = 100_000
_MAX_DEPTH = 64
# Of one property: keywords, creators.
_MAX_VALUES = 1_000
# Control characters that XML forbids, and that some writers leave in captions all the same.
_FORBIDDEN = bytes(each for each in range(32) if each not in b"\t\n\r")
_GUID_BYTES, _NUMBER_BYTES = 32, 4

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns# "
_XML = "http://www.w3.org/XML/1998/namespace "
_DC = "http://purl.org/dc/elements/1.1/ "
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/ "
_PLUS = "http://ns.useplus.org/ldf/xmp/1.0/ "

# A property's names from the description down, without RDF's own.
Path = tuple[str, ...]
_TITLE = (_DC + "title",)
_HEADLINE = (_PHOTOSHOP + "Headline",)
_DESCRIPTION = (_DC + "description",)
_CREATOR = (_DC + "creator",)
_CREDIT = (_PHOTOSHOP + "Credit",)
_RIGHTS = (_DC + "rights",)
_USAGE_TERMS = ("http://ns.adobe.com/xap/1.0/rights/ UsageTerms",)
_LICENSOR = (_PLUS + "Licensor", _PLUS + "LicensorName")
_LICENSOR_URL = (_PLUS + "Licensor", _PLUS + "LicensorURL")
_KEYWORDS = (_DC + "subject",)
_CREATED = (_PHOTOSHOP + "DateCreated",)
_TAKEN = ("http://ns.adobe.com/exif/1.0/ DateTimeOriginal",)
_EXTENSION = ("http://ns.adobe.com/xmp/note/ HasExtendedXMP",)
_WANTED = frozenset(
    (
        *(_TITLE, _HEADLINE, _DESCRIPTION, _CREATOR, _CREDIT, _RIGHTS, _USAGE_TERMS),
        *(_LICENSOR, _LICENSOR_URL, _KEYWORDS, _CREATED, _TAKEN, _EXTENSION),
    )
)


@dataclass(frozen=True, slots=True)
class _Value:
    text: str
    language: str


@dataclass(slots=True)
class _OpenElement:
    """An element whose end is still to come.

    Attributes:
        path: None outside of RDF.
        parts: its text so far, where it is one that is looked for.
    """

    path: Path | None
    language: str
    parts: list[str] = field(default_factory=list)
    length: int = 0


_Properties = Mapping[Path, Sequence[_Value]]


def read_xmp(packet: bytes, extensions: Sequence[bytes] = ()) -> Statement:
    """Return what a packet says, and what continues it says of other properties.

    Args:
        packet: a document in XML: a packet, or a sidecar file.
        extensions: contents of a JPEG's extension segments, behind their signature.

    Raises:
        RecordError: `BROKEN_XMP`, it is not well-formed or declares entities; `LARGE_XMP`, it
            exceeds a limit.
    """
    problems: list[str] = []
    properties = _read_properties(packet)
    guid = _first(properties, _EXTENSION)
    if guid:
        try:
            properties = {**_read_properties(_joined(guid, extensions)), **properties}
        except RecordError as error:
            problems.append(LARGE_XMP if error.code == LARGE_XMP else BROKEN_EXTENDED_XMP)
    return Statement(
        title=_preferred(properties, _TITLE) or _first(properties, _HEADLINE),
        description=_preferred(properties, _DESCRIPTION),
        creator=_joined_texts(properties, _CREATOR),
        credit=_first(properties, _CREDIT),
        rights=_preferred(properties, _RIGHTS),
        usage_terms=_preferred(properties, _USAGE_TERMS),
        licensor=_joined_texts(properties, _LICENSOR) or _joined_texts(properties, _LICENSOR_URL),
        keywords=_texts(properties, _KEYWORDS),
        date=_date(properties, problems),
        problems=tuple(problems),
    )


def _texts(properties: _Properties, path: Path) -> tuple[str, ...]:
    return tuple(value.text for value in properties.get(path, ()))


def _first(properties: _Properties, path: Path) -> str:
    return next(iter(_texts(properties, path)), "")


def _joined_texts(properties: _Properties, path: Path) -> str:
    return "; ".join(_texts(properties, path))


def _preferred(properties: _Properties, path: Path) -> str:
    """Return the text of the default language, else the first."""
    values = properties.get(path, ())
    default = (value.text for value in values if value.language.lower() == "x-default")
    return next(default, _first(properties, path))


def _date(properties: _Properties, problems: list[str]) -> StatedDate | None:
    """Return the first date that is one: of the picture, else of the exposure."""
    for path in (_CREATED, _TAKEN):
        try:
            date = read_date(_first(properties, path))
        except ValueError:
            problems.append(UNCLEAR_DATE)
            continue
        if date is not None:
            return date
    return None


def _joined(guid: str, extensions: Sequence[bytes]) -> bytes:
    """Return the document that the segments of this GUID are parts of; the GUID is its MD5.

    Raises:
        RecordError: a part is missing or damaged, or it is too large.
    """
    packet = bytearray()
    for part in sorted(_parts(guid.encode(), extensions)):
        if part.total > MAX_XMP_BYTES or len(packet) > MAX_XMP_BYTES:
            raise RecordError(LARGE_XMP)
        packet.extend(part.content)
    digest = md5(packet, usedforsecurity=False).hexdigest().upper()
    if digest != guid.upper():
        raise RecordError(BROKEN_EXTENDED_XMP)
    return bytes(packet)


@dataclass(frozen=True, slots=True, order=True)
class _ExtensionPart:
    offset: int
    total: int
    content: bytes


def _parts(guid: bytes, extensions: Sequence[bytes]) -> Iterator[_ExtensionPart]:
    for segment in extensions:
        head = segment[: _GUID_BYTES + 2 * _NUMBER_BYTES]
        if head[:_GUID_BYTES] == guid and len(head) == _GUID_BYTES + 2 * _NUMBER_BYTES:
            total = int.from_bytes(head[_GUID_BYTES:-_NUMBER_BYTES])
            offset = int.from_bytes(head[-_NUMBER_BYTES:])
            yield _ExtensionPart(offset, total, segment[len(head) :])


def _read_properties(packet: bytes) -> _Properties:
    if len(packet) > MAX_XMP_BYTES:
        raise RecordError(LARGE_XMP)
    if b"\0" not in packet[:4]:  # else it is UTF-16
        packet = packet.translate(None, _FORBIDDEN)
    return _PropertyReader().read(packet)


class _PropertyReader:
    """Collects the properties of one document; it holds nothing else of it."""

    def __init__(self) -> None:
        self._found: defaultdict[Path, list[_Value]] = defaultdict(list)
        self._open: list[_OpenElement] = []
        self._nodes = 0
        self._is_closed = False
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse_declarations
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def read(self, document: bytes) -> _Properties:
        """Return the texts that are looked for, by path, in the document's order.

        What follows the document's end is passed over.
        """
        try:
            self._parser.Parse(document, True)  # noqa: FBT003 - pyexpat takes it by position
        except (expat.ExpatError, ValueError, LookupError) as error:
            # The last two: encodings that nobody has heard of, or that are no charsets.
            if not self._is_closed:
                raise RecordError(BROKEN_XMP) from error
        return self._found

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._nodes += 1 + len(attributes)
        if self._nodes > _MAX_NODES or len(self._open) == _MAX_DEPTH:
            raise RecordError(LARGE_XMP)
        parent = self._open[-1] if self._open else _OpenElement(path=None, language="")
        language = attributes.get(_XML + "lang", parent.language)
        path = _path(parent.path, name)
        self._open.append(_OpenElement(path, language))
        if path is None:
            return
        for attribute, value in attributes.items():
            if attribute == _RDF + "resource":
                self._keep(path, value, language)
            elif not attribute.startswith((_RDF, _XML)):
                self._keep((*path, attribute), value, language)

    def _text(self, text: str) -> None:
        element = self._open[-1]
        if element.path in _WANTED and element.length < MAX_RAW_LENGTH:
            element.parts.append(text[:MAX_RAW_LENGTH])
            element.length += len(text)

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        if element.path is not None:
            self._keep(element.path, "".join(element.parts), element.language)
        self._is_closed = not self._open

    def _keep(self, path: Path, text: str, language: str) -> None:
        if path in _WANTED and text.strip() and len(self._found[path]) < _MAX_VALUES:
            self._found[path].append(_Value(text[:MAX_RAW_LENGTH].strip(), language))


def _path(parent: Path | None, name: str) -> Path | None:
    if parent is None:
        return () if name == _RDF + "RDF" else None
    return parent if name.startswith(_RDF) else (*parent, name)


def _refuse_declarations(*_given: object) -> NoReturn:
    raise RecordError(BROKEN_XMP)
