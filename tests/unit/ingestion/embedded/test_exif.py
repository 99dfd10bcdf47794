"""EXIF, of which only who, what, whose and when are read."""

import struct
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ingestion.embedded import EmbeddedMetadata, read_embedded
from ingestion.embedded.problems import BROKEN_EXIF, UNCLEAR_DATE
from tests.unit.ingestion.embedded import made

DESCRIPTION, ARTIST, COPYRIGHT = 270, 315, 33432
ORIGINAL, OFFSET, SUBSEC, SERIAL, GPS = 36867, 36881, 37521, 42033, 34853
TAGS = made.exif({ARTIST: b"Somebody"}, {ORIGINAL: "2024:05:01 10:20:30"})
ORDER = "<" if TAGS[:1] == b"I" else ">"


def said_by(main: dict, camera: dict | None = None) -> EmbeddedMetadata:
    return read_embedded(made.jpeg_with(tags=made.exif(main, camera)))


def test_all_fields_are_read() -> None:
    main = {DESCRIPTION: "Größe".encode(), ARTIST: b"J\xf6rg", COPYRIGHT: b"\xa9 Owner"}
    camera = {ORIGINAL: "2024:05:01 10:20:30", OFFSET: "-03:30", SUBSEC: "25 "}

    assert said_by(main, camera) == EmbeddedMetadata(
        description="Größe",
        creator="Jörg",
        rights="© Owner",
        taken_at=datetime(
            2024, 5, 1, 10, 20, 30, 250_000, timezone(timedelta(hours=-3, minutes=-30))
        ),
    )


def test_coordinates_and_serial_numbers_are_never_kept() -> None:
    tags = made.exif({ARTIST: b"Me"}, {SERIAL: "SERIAL-1"}, has_gps=True)
    assert b"SERIAL-1" in tags
    assert struct.pack(ORDER + "HH", GPS, 4) in tags

    assert read_embedded(made.jpeg_with(tags=tags)) == EmbeddedMetadata(creator="Me")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Photographer\0Editor\0", "Photographer; Editor"),
        (b" \0Editor\0", "Editor"),
        (b"Photographer\0", "Photographer"),
        (b"\0\0", ""),
    ],
)
def test_a_copyright_may_have_two_parties(value: bytes, expected: str) -> None:
    assert said_by({COPYRIGHT: value}) == EmbeddedMetadata(rights=expected)


def test_text_ends_at_its_first_zero() -> None:
    assert said_by({ARTIST: b"Me\0what was there before"}) == EmbeddedMetadata(creator="Me")


@pytest.mark.parametrize("caption", [b"OLYMPUS DIGITAL CAMERA         ", b"SONY DSC", b"        "])
def test_what_cameras_write_by_themselves_is_no_caption(caption: bytes) -> None:
    assert said_by({DESCRIPTION: caption}) == EmbeddedMetadata()


@pytest.mark.parametrize(
    ("camera", "expected"),
    [
        ({ORIGINAL: "2024:05:01 10:20:30"}, datetime(2024, 5, 1, 10, 20, 30)),  # noqa: DTZ001
        ({ORIGINAL: "2024-05-01T10:20:30"}, datetime(2024, 5, 1, 10, 20, 30)),  # noqa: DTZ001
        (
            {ORIGINAL: "2024:05:01 10:20:30", OFFSET: "+00:00"},
            datetime(2024, 5, 1, 10, 20, 30, tzinfo=UTC),
        ),
        (
            {ORIGINAL: "2024:05:01 10:20:30", OFFSET: "   :  ", SUBSEC: "?"},
            datetime(2024, 5, 1, 10, 20, 30),  # noqa: DTZ001
        ),
    ],
)
def test_a_clock_has_a_zone_only_where_it_was_told_one(camera: dict, expected: datetime) -> None:
    said = said_by({}, camera)

    assert (said.taken_at, said.problems) == (expected, ())
    assert said.taken_at.tzinfo == expected.tzinfo


@pytest.mark.parametrize("original", ["0000:00:00 00:00:00", "    :  :     :  :  ", ""])
def test_a_clock_that_was_never_set_says_nothing(original: str) -> None:
    assert said_by({}, {ORIGINAL: original, SUBSEC: "12", OFFSET: "+01:00"}) == EmbeddedMetadata()


def test_a_date_that_is_none_is_named() -> None:
    assert said_by({}, {ORIGINAL: "2024:02:30 10:20:30"}) == EmbeddedMetadata(
        problems=(UNCLEAR_DATE,)
    )


def _with_number(kind: str, tag: int, field: int, value: int) -> bytes:
    """TAGS with another count (4) or offset (8) of a tag."""
    data = bytearray(TAGS)
    at = data.index(struct.pack(kind, tag, 2)) + field
    data[at : at + 4] = struct.pack(kind[0] + "I", value)
    return bytes(data)


DAMAGED = {
    "empty": (b"\0", ""),
    "no-tiff": (b"Exif", ""),
    "no-byte-order": (b"XX" + TAGS[2:], ""),
    "mark-only": (TAGS[:4], ""),
    "directory-beyond": (TAGS[:4] + b"\xff" * 4, ""),
    "text-beyond": (_with_number(ORDER + "HH", ARTIST, 8, 2**31), ""),
    "text-too-long": (_with_number(ORDER + "HH", ARTIST, 4, 2**32 - 1), ""),
    "clock-beyond": (_with_number(ORDER + "HH", ORIGINAL, 8, 2**31), "Somebody"),
}


@pytest.mark.parametrize(("tags", "creator"), DAMAGED.values(), ids=DAMAGED.keys())
def test_damaged_tags_are_named_and_the_others_kept(tags: bytes, creator: str) -> None:
    said = read_embedded(made.jpeg_with(tags=tags))

    assert (said.creator, said.problems) == (creator, (BROKEN_EXIF,))


def test_a_camera_directory_beyond_the_end_is_named() -> None:
    data = bytearray(TAGS)
    at = data.index(struct.pack(ORDER + "HHI", 34665, 4, 1)) + 8
    data[at : at + 4] = struct.pack(ORDER + "I", 2**31)

    assert read_embedded(made.jpeg_with(tags=bytes(data))) == EmbeddedMetadata(
        creator="Somebody", problems=(BROKEN_EXIF,)
    )
