"""XMP: its ways to write the same thing, and documents that are no good."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ingestion.embedded import EmbeddedMetadata, read_embedded
from ingestion.embedded.problems import (
    BROKEN_SIDECAR,
    BROKEN_XMP,
    LARGE_SIDECAR,
    LARGE_XMP,
    UNCLEAR_DATE,
)
from tests.unit.ingestion.embedded import made


def said_by(document: bytes) -> EmbeddedMetadata:
    return read_embedded(made.webp(packet=document))


def test_all_fields_are_read() -> None:
    document = made.xmp(
        made.alternatives("dc:title", x_default="Title")
        + made.alternatives("dc:description", x_default="Caption")
        + made.listed("dc:creator", "First", "Second", kind="Seq")
        + made.alternatives("dc:rights", x_default="© Owner")
        + made.alternatives("xmpRights:UsageTerms", x_default="Ask")
        + made.listed("dc:subject", "sea", "boat")
        + "<plus:Licensor><rdf:Seq>"
        '<rdf:li rdf:parseType="Resource"><plus:LicensorName>Agency</plus:LicensorName>'
        "<plus:LicensorURL>https://agency.example</plus:LicensorURL></rdf:li>"
        '<rdf:li plus:LicensorName="Other"/></rdf:Seq></plus:Licensor>',
        'photoshop:Credit="Credit" photoshop:DateCreated="2024-05-01T10:20:30.5+02:00"',
    )

    assert said_by(document) == EmbeddedMetadata(
        title="Title",
        description="Caption",
        creator="First; Second",
        credit="Credit",
        rights="© Owner",
        usage_terms="Ask",
        licensor="Agency; Other",
        keywords=("sea", "boat"),
        taken_at=datetime(2024, 5, 1, 10, 20, 30, 500_000, timezone(timedelta(hours=2))),
    )


@pytest.mark.parametrize(
    "properties",
    [
        pytest.param("<dc:title>Same</dc:title>", id="plain"),
        pytest.param("<dc:title>S<![CDATA[am]]>&#101;</dc:title>", id="pieces"),
        pytest.param(made.listed("dc:title", "Same", kind="Alt"), id="no-language"),
        pytest.param(
            '<dc:title rdf:parseType="Resource"><rdf:value>Same</rdf:value>'
            "<dc:source>x</dc:source></dc:title>",
            id="with-a-qualifier",
        ),
        pytest.param(
            "<dc:title><rdf:Description><rdf:value>Same</rdf:value></rdf:Description></dc:title>",
            id="with-a-description",
        ),
        pytest.param('<dc:title rdf:resource="Same"/>', id="resource"),
        pytest.param("<photoshop:Headline>Same</photoshop:Headline>", id="headline"),
    ],
)
def test_every_way_to_write_a_property_is_read(properties: str) -> None:
    assert said_by(made.xmp(properties)) == EmbeddedMetadata(title="Same")


def test_a_title_goes_before_a_headline() -> None:
    document = made.xmp(made.alternatives("dc:title", de="Titel"), 'photoshop:Headline="Line"')

    assert said_by(document).title == "Titel"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"de": "Titel", "x_default": "Title"}, "Title"),
        ({"de": "Titel", "X_Default": "Title"}, "Title"),
        ({"de": "Titel", "en": "Title"}, "Titel"),
        ({"x_default": " ", "en": "Title"}, "Title"),
    ],
)
def test_the_default_language_is_taken_else_the_first(texts: dict, expected: str) -> None:
    assert said_by(made.xmp(made.alternatives("dc:title", **texts))).title == expected


def test_a_licensor_without_a_name_is_known_by_its_address() -> None:
    properties = '<plus:Licensor><rdf:Bag><rdf:li plus:LicensorURL="https://a.example"/></rdf:Bag></plus:Licensor>'

    assert said_by(made.xmp(properties)).licensor == "https://a.example"


def test_properties_of_the_same_names_elsewhere_are_not_taken() -> None:
    """Of other vocabularies, of pictures that this one was made from, and outside of RDF."""
    document = made.xmp(
        '<x:title xmlns:x="urn:x">Other vocabulary</x:title>'
        '<x:from xmlns:x="urn:x" rdf:parseType="Resource"><dc:title>Ingredient</dc:title></x:from>'
    ).replace(
        b"<rdf:RDF", b'<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">O</dc:title><rdf:RDF'
    )

    assert said_by(document) == EmbeddedMetadata()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01", datetime(2024, 5, 1)),  # noqa: DTZ001 - it names no zone
        ("2024-05-01T10:20", datetime(2024, 5, 1, 10, 20)),  # noqa: DTZ001
        ("2024-05-01T10:20:30", datetime(2024, 5, 1, 10, 20, 30)),  # noqa: DTZ001
        ("2024-05-01T10:20:30Z", datetime(2024, 5, 1, 10, 20, 30, tzinfo=UTC)),
        (
            "2024-05-01T10:20:30.1234567-03:30",
            datetime(2024, 5, 1, 10, 20, 30, 123456, timezone(timedelta(hours=-3, minutes=-30))),
        ),
    ],
)
def test_a_date_has_a_zone_only_where_it_names_one(text: str, expected: datetime) -> None:
    said = said_by(made.xmp("", f'photoshop:DateCreated="{text}"'))

    assert (said.taken_at, said.problems) == (expected, ())
    assert said.taken_at.tzinfo == expected.tzinfo


@pytest.mark.parametrize(
    "text",
    [
        *("1923", "1923-05", "1923-00-00", "2024-13-01", "2024-02-30", "2024-05-01T25:00"),
        *("0001-01-01", "9999-12-31", "2024-05-01T10:20:30+99:00", "yesterday", "٢٠٢٤-٠٥-٠١"),
    ],
)
def test_a_date_without_a_day_or_of_no_calendar_is_named(text: str) -> None:
    said = said_by(made.xmp("", f'photoshop:DateCreated="{text}"'))

    assert said == EmbeddedMetadata(problems=(UNCLEAR_DATE,))


def test_the_moment_of_exposure_is_taken_where_no_date_of_the_picture_is_one() -> None:
    attributes = 'photoshop:DateCreated="long ago" exif:DateTimeOriginal="2024-05-01T10:20:30Z"'

    said = said_by(made.xmp("", attributes))

    assert said.taken_at == datetime(2024, 5, 1, 10, 20, 30, tzinfo=UTC)
    assert said.problems == (UNCLEAR_DATE,)


def test_coordinates_and_serial_numbers_are_never_kept() -> None:
    attributes = (
        'exif:GPSLatitude="50,7.1N" exif:GPSLongitude="8,41.2E" aux:SerialNumber="SERIAL-1" '
        'aux:LensSerialNumber="SERIAL-2" photoshop:City="Marburg"'
    )

    assert said_by(made.xmp("", attributes)) == EmbeddedMetadata()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le"])
def test_utf_16_is_read(encoding: str) -> None:
    text = made.title("Größe").decode()
    mark = "" if encoding == "utf-16" else "\ufeff"

    assert said_by((mark + text).encode(encoding)) == EmbeddedMetadata(title="Größe")


def test_a_sidecar_in_latin_1_that_says_so_is_read() -> None:
    document = made.title("Größe").decode().split("?>", 1)[1].encode("latin-1")
    sidecar = b'<?xml version="1.0" encoding="ISO-8859-1"?>' + document

    assert read_embedded(b"", sidecar=sidecar) == EmbeddedMetadata(title="Größe")


@pytest.mark.parametrize(
    "around",
    [
        pytest.param((b"\xef\xbb\xbf", b"\n" * 2_000), id="byte-order-mark-and-padding"),
        pytest.param((b"", bytes(40)), id="zeros-behind"),
        pytest.param((b"", b"what an editor left <behind"), id="rubbish-behind"),
        pytest.param((b"\n \n", b""), id="lines-before"),
    ],
)
def test_what_surrounds_a_document_does_not_matter(around: tuple[bytes, bytes]) -> None:
    document = around[0] + made.title("Title") + around[1]

    assert said_by(document) == EmbeddedMetadata(title="Title")


LAUGHS = '<!ENTITY l0 "ha">' + "".join(
    f'<!ENTITY l{number + 1} "' + f"&l{number};" * 10 + '">' for number in range(11)
)
DECLARATIONS = {
    "billion-laughs": f"<!DOCTYPE x [{LAUGHS}]>",
    "quadratic": '<!DOCTYPE x [<!ENTITY l11 "' + "a" * 100_000 + '">]>',
    "external-entity": '<!DOCTYPE x [<!ENTITY l11 SYSTEM "file:///etc/hostname">]>',
    "external-subset": '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    "parameter-entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>',
    "harmless": "<!DOCTYPE x>",
}


@pytest.mark.parametrize("declaration", DECLARATIONS.values(), ids=DECLARATIONS.keys())
def test_documents_that_declare_anything_are_refused(declaration: str) -> None:
    document = declaration.encode() + made.xmp("<dc:title>" + "&l11;" * 1_000 + "</dc:title>")

    assert said_by(document) == EmbeddedMetadata(problems=(BROKEN_XMP,))


BROKEN = {
    "empty": b" ",
    "cut": made.title("Title")[:-60],
    "no-xml": b"\x89PNG\r\n\x1a\n\0\0",
    "unknown-prefix": made.xmp("<nobody:title>Title</nobody:title>"),
    "unknown-entity": made.xmp("<dc:title>&uuml;</dc:title>"),
    "not-utf-8": made.title("Größe").replace("ö".encode(), b"\xf6"),
    "unknown-encoding": b'<?xml version="1.0" encoding="x-nobody"?><x/>',
    "codec-that-is-no-charset": b'<?xml version="1.0" encoding="zlib_codec"?><x/>',
    "utf-32": made.title("Title").decode().encode("utf-32"),
}


@pytest.mark.parametrize("document", BROKEN.values(), ids=BROKEN.keys())
def test_broken_documents_are_named_and_the_picture_comes_in(document: bytes) -> None:
    tags = made.exif({315: b"From EXIF"})
    data = made.jpeg_with(packet=document, tags=tags)

    assert read_embedded(data) == EmbeddedMetadata(creator="From EXIF", problems=(BROKEN_XMP,))
    assert read_embedded(made.jpeg_with(tags=tags), sidecar=document) == EmbeddedMetadata(
        creator="From EXIF", problems=(BROKEN_SIDECAR,)
    )


LARGE = {
    "10-MB": made.xmp(f"<dc:title>{'x' * 10_000_000}</dc:title>"),
    "deep": made.xmp("<dc:title>" * 64),
    "many-elements": made.xmp("<dc:title/>" * 100_000),
    "many-attributes": made.xmp("", " ".join(f"dc:a{number}=''" for number in range(100_000))),
}


@pytest.mark.parametrize("document", LARGE.values(), ids=LARGE.keys())
def test_documents_beyond_the_limits_are_named(document: bytes) -> None:
    started = time.process_time()

    assert said_by(document) == EmbeddedMetadata(problems=(LARGE_XMP,))
    assert read_embedded(b"", sidecar=document) == EmbeddedMetadata(problems=(LARGE_SIDECAR,))
    assert time.process_time() - started < 10


def test_a_long_history_of_edits_is_no_reason_to_lose_a_title() -> None:
    history = "<rdf:li>xmp.did:0123456789abcdef0123456789abcdef</rdf:li>" * 50_000
    ancestors = (
        f"<photoshop:DocumentAncestors><rdf:Bag>{history}</rdf:Bag></photoshop:DocumentAncestors>"
    )

    assert said_by(made.xmp(ancestors + "<dc:title>Title</dc:title>")).title == "Title"
