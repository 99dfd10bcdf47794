"""What becomes of texts before they are kept."""

import pytest

from ingestion.embedded import EmbeddedMetadata, read_embedded
from ingestion.embedded.problems import CUT_TEXT
from tests.unit.ingestion.embedded import made

MAX_LENGTHS = {
    "title": 300,
    "description": 5_000,
    "creator": 1_000,
    "credit": 1_000,
    "rights": 1_000,
    "usage_terms": 1_000,
    "licensor": 1_000,
}
PROPERTIES = {
    "title": "dc:title",
    "description": "dc:description",
    "creator": "dc:creator",
    "credit": "photoshop:Credit",
    "rights": "dc:rights",
    "usage_terms": "xmpRights:UsageTerms",
}


def said_with(field: str, text: str) -> EmbeddedMetadata:
    """What is kept of a field of XMP."""
    if field == "licensor":
        inner = f"<plus:LicensorName>{text}</plus:LicensorName>"
        document = made.xmp(f'<plus:Licensor rdf:parseType="Resource">{inner}</plus:Licensor>')
    else:
        document = made.xmp(made.listed(PROPERTIES[field], text, kind="Alt"))
    return read_embedded(b"", sidecar=document)


@pytest.mark.parametrize(("field", "length"), MAX_LENGTHS.items())
def test_a_text_is_cut_to_the_length_of_its_column(field: str, length: int) -> None:
    fitting, too_long = "ß" * length, "ß" * (length + 1)

    assert said_with(field, fitting) == EmbeddedMetadata(**{field: fitting})
    assert said_with(field, too_long) == EmbeddedMetadata(**{field: fitting}, problems=(CUT_TEXT,))


@pytest.mark.parametrize("length", [20_001, 1_000_000])
def test_texts_of_any_length_are_cut(length: int) -> None:
    text = "x" * length
    expected = EmbeddedMetadata(description="x" * 5_000, problems=(CUT_TEXT,))
    block = b"\x1c\2\x78\x80\4" + length.to_bytes(4) + text.encode()

    assert said_with("description", text) == expected
    assert read_embedded(made.tiff([(33723, 7, block)])) == expected
    assert read_embedded(made.tiff([(270, 2, text.encode())])) == expected
    assert read_embedded(made.png(texts={"Description": text}, is_packed=True)) == expected


def test_as_many_keywords_are_kept_as_may_be_each_once() -> None:
    words = [f"word {number}" for number in range(600)]
    block = made.iim(*((2, 25, word.encode()) for word in [*words, *words]))
    document = made.xmp(made.listed("dc:subject", *words, *words))
    expected = EmbeddedMetadata(keywords=tuple(words[:500]), problems=(CUT_TEXT,))

    assert read_embedded(made.jpeg_with(photoshop=made.resources(block))) == expected
    assert read_embedded(b"", sidecar=document) == expected


def test_500_keywords_said_twice_are_not_cut() -> None:
    words = [f"word {number}" for number in range(500)]
    document = made.xmp(made.listed("dc:subject", *words, *words))

    assert read_embedded(b"", sidecar=document) == EmbeddedMetadata(keywords=tuple(words))


def test_a_long_keyword_is_cut_and_then_kept_once() -> None:
    document = made.xmp(made.listed("dc:subject", "x" * 100, "x" * 101, " "))

    assert read_embedded(b"", sidecar=document) == EmbeddedMetadata(
        keywords=("x" * 100,), problems=(CUT_TEXT,)
    )


def test_control_characters_are_taken_out_of_every_record() -> None:
    dirty = bytes(range(1, 32)) + b"a\x7f\x1b[31mb\0c"
    dirty_utf8 = "\x9b31m\ufeff\uffff\ufffe".encode()

    assert read_embedded(
        made.jpeg_with(photoshop=made.resources(made.iim((2, 5, dirty + dirty_utf8))))
    ) == EmbeddedMetadata(title="a[31mbc31m")
    assert read_embedded(made.jpeg_with(tags=made.exif({315: dirty[:-2]}))) == (
        EmbeddedMetadata(creator="a[31mb")
    )
    assert read_embedded(made.png(texts={"Title": "a\x07b"})) == EmbeddedMetadata(title="ab")
    marked = made.title("a_b\x7f").replace(b"_", dirty[:8] + b"\0")
    assert read_embedded(made.webp(packet=marked)) == EmbeddedMetadata(title="ab")


@pytest.mark.parametrize("field", ["description", "rights", "usage_terms"])
def test_texts_of_several_lines_keep_them(field: str) -> None:
    said = said_with(field, " one\ntwo\n\n\tthree ")

    assert getattr(said, field) == "one\ntwo\n\n\tthree"


@pytest.mark.parametrize("field", ["title", "creator", "credit", "licensor"])
def test_texts_of_one_line_have_one(field: str) -> None:
    assert getattr(said_with(field, " one\n\n two\t \u2028three "), field) == "one two three"


def test_markup_is_kept_as_text() -> None:
    markup = "<b>bold</b> & <script>alert(1)</script>"
    block = made.iim((2, 120, markup.encode()))
    document = made.xmp(made.alternatives("dc:description", x_default=markup))

    assert read_embedded(b"", sidecar=document).description == markup
    assert read_embedded(made.jpeg_with(photoshop=made.resources(block))).description == markup


@pytest.mark.parametrize(
    "text",
    [
        *("OLYMPUS DIGITAL CAMERA ", "Minolta digital camera", "SONY DSC", "Picasa", "Picasa 3.0"),
        *('{"shape": [30, 40, 3]}', "shape=(2,3,10,10)", "ImageJ=1.53t\nimages=3"),
    ],
)
def test_what_a_machine_wrote_leaves_the_word_to_the_next_record(text: str) -> None:
    document = made.xmp(
        made.alternatives("dc:description", x_default=text) + made.listed("dc:creator", text)
    )
    block = made.iim((2, 120, b"A harbour"), (2, 80, b"Somebody"))

    said = read_embedded(made.jpeg_with(packet=document, photoshop=made.resources(block)))

    assert said == EmbeddedMetadata(description="A harbour", creator="Somebody")


@pytest.mark.parametrize("text", ["My first digital camera", "Picasa's house", "A shape=(1)"])
def test_what_a_person_wrote_of_machines_is_kept(text: str) -> None:
    assert said_with("description", text) == EmbeddedMetadata(description=text)
