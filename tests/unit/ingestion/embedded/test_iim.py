"""IPTC-IIM and Photoshop's resources."""

import struct
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ingestion.embedded import EmbeddedMetadata, read_embedded
from ingestion.embedded.problems import BROKEN_IIM, UNCLEAR_DATE
from tests.unit.ingestion.embedded import made


def said_by(block: bytes) -> EmbeddedMetadata:
    return read_embedded(made.jpeg_with(photoshop=made.resources(block)))


def test_all_fields_are_read() -> None:
    block = made.iim(
        made.UTF8_MARK,
        (2, 0, b"\0\4"),
        (2, 5, "Títle".encode()),
        (2, 120, b"Caption\r\nof\rthree lines"),
        (2, 80, b"First"),
        (2, 80, b"Second"),
        (2, 110, b"Credit"),
        (2, 116, "© Owner".encode()),
        (2, 25, b"sea"),
        (2, 25, b"boat"),
        (2, 25, b"sea"),
        (2, 55, b"20240501"),
        (2, 60, b"102030+0200"),
    )

    assert said_by(block) == EmbeddedMetadata(
        title="Títle",
        description="Caption\nof\nthree lines",
        creator="First; Second",
        credit="Credit",
        rights="© Owner",
        keywords=("sea", "boat"),
        taken_at=datetime(2024, 5, 1, 10, 20, 30, tzinfo=timezone(timedelta(hours=2))),
    )


def test_datasets_of_other_records_are_passed_over() -> None:
    block = made.iim((1, 5, b"Destination"), (2, 80, b"Somebody"), (7, 110, b"Preview"))

    assert said_by(block) == EmbeddedMetadata(creator="Somebody")


def test_a_headline_is_a_title_where_there_is_none() -> None:
    assert said_by(made.iim((2, 105, b"Line"))).title == "Line"
    assert said_by(made.iim((2, 105, b"Line"), (2, 5, b"Title"))).title == "Title"


@pytest.mark.parametrize("marks", [[], [made.UTF8_MARK]], ids=["unmarked", "marked"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("Größe".encode(), "Größe", id="utf-8"),
        pytest.param("Größe".encode("latin-1"), "Größe", id="latin-1"),
        pytest.param("café".encode("latin-1"), "café", id="latin-1-to-its-last-letter"),
        pytest.param("“5 €”".encode("cp1252"), "“5 €”", id="latin-1-of-windows"),
        pytest.param("Größe €".encode()[:-1], "Größe", id="utf-8-cut-within-a-letter"),
        pytest.param(b"\x81\x8d plain", "plain", id="letters-of-no-charset"),
    ],
)
def test_text_is_utf_8_where_it_can_be_else_latin_1(marks, value, expected) -> None:
    """Readers raise, or lose the whole record, at Latin-1 without a mark."""
    assert said_by(made.iim(*marks, (2, 5, value))) == EmbeddedMetadata(title=expected)


def test_each_value_has_a_charset_of_its_own() -> None:
    block = made.iim((2, 25, "Größe".encode()), (2, 25, "Maß".encode("latin-1")))

    assert said_by(block).keywords == ("Größe", "Maß")


@pytest.mark.parametrize(
    ("day", "clock", "expected"),
    [
        (b"20240501", b"", datetime(2024, 5, 1)),  # noqa: DTZ001 - it names no zone
        (b"20240501", b"102030", datetime(2024, 5, 1, 10, 20, 30)),  # noqa: DTZ001
        (b"2024-05-01", b"10:20:30+00:00", datetime(2024, 5, 1, 10, 20, 30, tzinfo=UTC)),
        (b"20240501", b"1020", datetime(2024, 5, 1, 10, 20)),  # noqa: DTZ001
    ],
)
def test_dates_are_read(day: bytes, clock: bytes, expected: datetime) -> None:
    said = said_by(made.iim((2, 55, day), (2, 60, clock)))

    assert (said.taken_at, said.problems) == (expected, ())


@pytest.mark.parametrize(
    ("day", "clock"),
    [(b"19230000", b""), (b"spring", b""), (b"20240501", b"noon"), (b"20240501", b"250000")],
)
def test_unclear_dates_are_named(day: bytes, clock: bytes) -> None:
    block = made.iim((2, 55, day), (2, 60, clock), (2, 5, b"Title"))

    assert said_by(block) == EmbeddedMetadata(title="Title", problems=(UNCLEAR_DATE,))


@pytest.mark.parametrize("day", [b"00000000", b"", b"        "])
def test_a_date_of_zeros_says_nothing(day: bytes) -> None:
    assert said_by(made.iim((2, 55, day))) == EmbeddedMetadata()


def test_long_datasets_are_read() -> None:
    caption = b"long " * 10_000
    block = b"\x1c\2\x78\x80\4" + struct.pack(">I", len(caption)) + caption
    parts = made.resources(block + made.iim((2, 5, b"Title")))
    data = made.jpeg(
        made.segment(0xED, made.PHOTOSHOP_MARK + parts[:40_000]),
        made.segment(0xED, made.PHOTOSHOP_MARK + parts[40_000:]),
    )

    said = read_embedded(data)
    assert (said.title, said.description) == ("Title", ("long " * 1_000).strip())


WHOLE = made.iim((2, 5, b"Title"))
DAMAGED = {
    "cut-in-a-value": WHOLE + made.iim((2, 110, b"Credit"))[:-1],
    "cut-in-a-head": WHOLE + b"\x1c\2",
    "too-long": WHOLE + b"\x1c\2\x6e\x7f\xffCredit",
    "length-of-a-length": WHOLE + b"\x1c\2\x6e\xff\xffCredit",
    "no-dataset": WHOLE + b"Credit",
    "too-many": WHOLE + made.iim((2, 25, b"k")) * 10_000,
}


@pytest.mark.parametrize("block", DAMAGED.values(), ids=DAMAGED.keys())
def test_what_stands_before_a_damage_is_kept_and_the_damage_named(block: bytes) -> None:
    said = said_by(block)

    assert (said.title, said.credit, said.problems) == ("Title", "", (BROKEN_IIM,))


def test_padding_is_no_damage() -> None:
    assert said_by(WHOLE + bytes(3)) == EmbeddedMetadata(title="Title")


@pytest.mark.parametrize(
    "photoshop",
    [
        pytest.param(made.resource(made.IIM, WHOLE) + b"8BIM", id="cut"),
        pytest.param(made.resource(made.IIM, WHOLE + b"\x1c\2\x05\0\0")[:-5], id="cut-in-iim"),
        pytest.param(made.resource(made.IIM, WHOLE) + b"8BIM\4\4\xff\xff", id="long-name"),
        pytest.param(made.resource(made.IIM, WHOLE) + b"nonsense", id="no-resource"),
        pytest.param(
            made.resource(made.IIM, WHOLE) + b"8BIM\4\4\0\0\xff\xff\xff\xff", id="too-long"
        ),
        pytest.param(
            made.resource(made.IIM, WHOLE) + made.resource(1, b"") * 10_000, id="too-many"
        ),
    ],
)
def test_resources_before_a_damage_are_kept(photoshop: bytes) -> None:
    parts = [photoshop[at : at + 60_000] for at in range(0, len(photoshop), 60_000)]
    data = made.jpeg(*(made.segment(0xED, made.PHOTOSHOP_MARK + part) for part in parts))

    assert read_embedded(data) == EmbeddedMetadata(title="Title", problems=(BROKEN_IIM,))


def test_a_last_resource_without_its_padding_is_whole() -> None:
    photoshop = made.resource(made.IIM, made.iim((2, 5, b"Even")))

    assert read_embedded(made.jpeg_with(photoshop=photoshop[:-1])) == EmbeddedMetadata("Even")


def test_resources_of_other_programs_and_with_names_are_passed_over() -> None:
    named = b"PHUT" + struct.pack(">H", 1) + b"\4name\0" + struct.pack(">I", 3) + b"abc\0"

    data = made.jpeg_with(photoshop=named + made.resources(WHOLE))

    assert read_embedded(data) == EmbeddedMetadata(title="Title")
