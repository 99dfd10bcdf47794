"""Who wins where records differ; `docs/formats.md` states it."""

from datetime import datetime

import pytest

from ingestion.embedded import EmbeddedMetadata, read_embedded
from ingestion.embedded.problems import BROKEN_IIM, BROKEN_SIDECAR, BROKEN_XMP, UNCLEAR_DATE
from tests.unit.ingestion.embedded import made


def packet(name: str, day: str) -> bytes:
    """XMP in which every field says who wrote it."""
    texts = ("dc:title", "dc:description", "dc:rights", "xmpRights:UsageTerms")
    return made.xmp(
        "".join(made.alternatives(each, x_default=name) for each in texts)
        + made.listed("dc:creator", name, kind="Seq")
        + made.listed("dc:subject", name)
        + f'<plus:Licensor><rdf:Bag><rdf:li plus:LicensorName="{name}"/></rdf:Bag></plus:Licensor>',
        f'photoshop:Credit="{name}" photoshop:DateCreated="{day}"',
    )


SIDECAR, XMP = packet("Sidecar", "2001-01-01"), packet("XMP", "2002-02-02")
IIM_TEXTS = (5, 120, 80, 110, 116, 25)
IIM = made.iim(*((2, number, b"IIM") for number in IIM_TEXTS), (2, 55, b"20030303"))
EXIF = made.exif({270: b"EXIF", 315: b"EXIF", 33432: b"EXIF"}, {36867: "2004:04:04 00:00:00"})
CURRENT = made.resources(IIM, digest_of=IIM)
STALE = made.resources(IIM, digest_of=b"what it was when XMP was written")


def all_by(name: str, day: int, **others: str) -> EmbeddedMetadata:
    """Every field by one, but for those that are given."""
    texts = ("title", "description", "creator", "credit", "rights", "usage_terms", "licensor")
    fields = dict.fromkeys(texts, name) | others
    return EmbeddedMetadata(
        **fields,
        keywords=(name,),
        taken_at=datetime(2000 + day, day, day),  # noqa: DTZ001 - records name no zone
    )


@pytest.mark.parametrize(
    ("photoshop", "expected"),
    [
        pytest.param(CURRENT, all_by("XMP", 2), id="digest-current"),
        pytest.param(made.resources(IIM), all_by("XMP", 2), id="no-digest"),
        pytest.param(STALE, all_by("IIM", 3, usage_terms="XMP", licensor="XMP"), id="digest-stale"),
        pytest.param(b"", all_by("XMP", 2), id="no-iim"),
        pytest.param(made.resource(made.DIGEST, bytes(16)), all_by("XMP", 2), id="digest-alone"),
    ],
)
def test_xmp_wins_unless_iim_was_edited_after_it(photoshop, expected) -> None:
    assert read_embedded(made.jpeg_with(packet=XMP, photoshop=photoshop, tags=EXIF)) == expected


@pytest.mark.parametrize("pad", [0, 1, 2, 3])
def test_a_tiffs_padding_makes_no_digest_stale(pad: int) -> None:
    digest = made.resource(made.DIGEST, made.resources(b"", digest_of=IIM)[-16:])
    data = made.tiff([(700, 1, XMP), (33723, 1, IIM + bytes(pad)), (34377, 7, digest)])

    assert read_embedded(data).title == "XMP"


@pytest.mark.parametrize(
    "photoshop",
    [
        pytest.param(made.resources(IIM[:-3], digest_of=IIM), id="cut-block"),
        pytest.param(STALE + b"nonsense", id="damage-behind-it"),
    ],
)
def test_iim_that_is_damaged_is_not_taken_for_edited(photoshop: bytes) -> None:
    said = read_embedded(made.jpeg_with(packet=XMP, photoshop=photoshop))

    assert (said.title, said.problems) == ("XMP", (BROKEN_IIM,))


def test_exif_speaks_where_xmp_and_iim_say_nothing() -> None:
    little = made.iim((2, 80, b"IIM"), (2, 5, b" "), (2, 120, b"\0\x07"))
    data = made.jpeg_with(packet=made.title("XMP"), photoshop=made.resources(little), tags=EXIF)

    assert read_embedded(data) == EmbeddedMetadata(
        title="XMP",
        description="EXIF",
        creator="IIM",
        rights="EXIF",
        taken_at=datetime(2004, 4, 4),  # noqa: DTZ001
    )


def test_a_pngs_remarks_speak_last() -> None:
    texts = {"Title": "PNG", "Author": "PNG", "Description": "PNG", "Copyright": "PNG"}
    tags = made.exif({315: b"EXIF"})

    data = made.png(tags=tags, texts=texts | {made.PNG_XMP: made.title("XMP").decode()})

    assert read_embedded(data) == EmbeddedMetadata(
        title="XMP", description="PNG", creator="EXIF", rights="PNG"
    )


def test_a_sidecar_wins_over_all_that_is_embedded() -> None:
    data = made.jpeg_with(packet=XMP, photoshop=STALE, tags=EXIF)

    assert read_embedded(data, sidecar=SIDECAR) == all_by("Sidecar", 1)


def test_where_a_sidecar_says_nothing_the_file_speaks() -> None:
    said = read_embedded(made.jpeg_with(packet=XMP), sidecar=made.title("Sidecar"))

    assert said == all_by("XMP", 2, title="Sidecar")


@pytest.mark.parametrize("sidecar", [b"", b"<x:xmpmeta", b"\0\1\2"])
def test_a_broken_sidecar_is_named_and_the_file_speaks(sidecar: bytes) -> None:
    said = read_embedded(made.jpeg_with(packet=XMP), sidecar=sidecar)

    assert (said.title, said.problems) == ("XMP", (BROKEN_SIDECAR,))


def test_broken_xmp_leaves_the_word_to_iim() -> None:
    data = made.jpeg_with(packet=XMP[:-80], photoshop=CURRENT)

    said = read_embedded(data)

    assert (said.title, said.usage_terms, said.problems) == ("IIM", "", (BROKEN_XMP,))


def test_keywords_of_two_records_are_not_mixed() -> None:
    sidecar = made.xmp(made.listed("dc:subject", "what", "was", "kept"))

    said = read_embedded(made.jpeg_with(packet=XMP, photoshop=CURRENT), sidecar=sidecar)

    assert said.keywords == ("what", "was", "kept")


@pytest.mark.parametrize("text", ["1923", "1923-05", "1923-00-00", "1923-05-00"])
def test_a_year_alone_goes_before_the_day_on_which_the_old_photo_was_scanned(text: str) -> None:
    data = made.jpeg_with(packet=made.xmp("", f'photoshop:DateCreated="{text}"'), tags=EXIF)

    said = read_embedded(data)

    assert (said.taken_at, said.problems) == (None, (UNCLEAR_DATE,))


def test_a_date_that_is_none_leaves_the_word_to_the_next_record() -> None:
    data = made.jpeg_with(packet=made.xmp("", 'photoshop:DateCreated="soon"'), tags=EXIF)

    said = read_embedded(data)

    assert said.taken_at == datetime(2004, 4, 4)  # noqa: DTZ001
    assert said.problems == (UNCLEAR_DATE,)
