"""Each format's own ways to carry records."""

import struct
import zlib
from datetime import UTC, datetime

import pytest

from ingestion.embedded import EmbeddedMetadata, read_embedded
from ingestion.embedded.problems import (
    BROKEN_CONTAINER,
    BROKEN_EXIF,
    BROKEN_EXTENDED_XMP,
    BROKEN_IIM,
    BROKEN_XMP,
    LARGE_XMP,
)
from tests.pictures import plain
from tests.unit.ingestion.embedded import made

PACKET = made.title("From XMP")
TAGS = made.exif({315: b"From EXIF"}, {36867: "2024:05:01 10:20:30", 36881: "+00:00"})
BLOCK = made.iim((2, 110, b"From IIM"))
TAKEN_AT = datetime(2024, 5, 1, 10, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(made.jpeg_with(packet=PACKET, tags=TAGS), id="jpeg"),
        pytest.param(made.png(tags=TAGS, texts={made.PNG_XMP: PACKET.decode()}), id="png"),
        pytest.param(
            made.png(tags=TAGS, texts={made.PNG_XMP: PACKET.decode()}, is_packed=True),
            id="packed-png",
        ),
        pytest.param(
            made.png_with(
                made.chunk(b"eXIf", made.EXIF_MARK + TAGS),
                made.chunk(b"iTXt", made.PNG_XMP.encode() + bytes(5) + PACKET),
            ),
            id="png-with-a-jpegs-mark",
        ),
        pytest.param(made.webp(tags=TAGS, packet=PACKET), id="webp"),
        pytest.param(
            made.webp(packet=PACKET) + made.riff_chunk(b"EXIF", made.EXIF_MARK + TAGS),
            id="webp-with-a-jpegs-mark",
        ),
        pytest.param(made.heic(tags=TAGS, packet=PACKET), id="heic"),
        pytest.param(made.heic(tags=TAGS, packet=PACKET, kind="AVIF"), id="avif"),
    ],
)
def test_xmp_and_exif_are_read_in_every_format(data: bytes) -> None:
    expected = EmbeddedMetadata(title="From XMP", creator="From EXIF", taken_at=TAKEN_AT)

    assert read_embedded(data) == expected


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [1, 4, 7], ids=["bytes", "numbers", "undefined"])
def test_a_tiff_carries_all_records(order: str, kind: int) -> None:
    digest = made.resource(made.DIGEST, bytes(16))
    data = made.tiff(
        [(315, 2, b"Tag\0"), (700, 1, PACKET), (33723, kind, BLOCK), (34377, 7, digest)],
        order=order,
    )

    assert read_embedded(data) == EmbeddedMetadata("From XMP", creator="Tag", credit="From IIM")


def test_a_tiffs_iim_whose_bytes_were_turned_round_is_read() -> None:
    block = BLOCK + bytes(-len(BLOCK) % 4)
    turned = b"".join(block[at : at + 4][::-1] for at in range(0, len(block), 4))

    assert read_embedded(made.tiff([(33723, 4, turned)])).credit == "From IIM"


def test_a_tiffs_iim_may_lie_among_photoshops_resources() -> None:
    assert read_embedded(made.tiff([(34377, 7, made.resources(BLOCK))])).credit == "From IIM"


@pytest.mark.parametrize(
    ("tag", "problem"),
    [(700, BROKEN_XMP), (33723, BROKEN_IIM), (34377, BROKEN_IIM), (315, BROKEN_EXIF)],
)
def test_a_tiffs_tag_beyond_its_end_is_named(tag: int, problem: str) -> None:
    data = bytearray(made.tiff([(33432, 2, b"Still read\0"), (tag, 1, b"12345678")]))
    at = data.index(struct.pack("<HHI", tag, 1, 8)) + 4
    data[at : at + 4] = struct.pack("<I", 2**31)

    assert read_embedded(bytes(data)) == EmbeddedMetadata(rights="Still read", problems=(problem,))


def test_a_tiffs_tag_of_another_type_is_named() -> None:
    data = made.tiff([(700, 5, b"12345678")])  # a fraction

    assert read_embedded(data) == EmbeddedMetadata(problems=(BROKEN_XMP,))


def test_a_gif_carries_xmp() -> None:
    assert read_embedded(made.gif(PACKET)) == EmbeddedMetadata(title="From XMP")


def test_a_gifs_packet_without_its_end_is_named() -> None:
    data = made.gif(PACKET)
    cut = data[: data.index(b"</rdf:RDF>")]

    assert read_embedded(cut) == EmbeddedMetadata(problems=(BROKEN_XMP,))


@pytest.mark.parametrize(
    "data", [plain(kind="BMP"), plain(kind="JPEG"), plain(kind="GIF"), b"", b"no picture"]
)
def test_files_without_records_say_nothing(data: bytes) -> None:
    assert read_embedded(data) == EmbeddedMetadata()


def test_iim_that_goes_on_in_the_next_segment_is_joined() -> None:
    photoshop = made.resources(made.iim((2, 120, b"long " * 100)))
    parts = [photoshop[:100], photoshop[100:]]

    data = made.jpeg(*(made.segment(0xED, made.PHOTOSHOP_MARK + part) for part in parts))

    assert read_embedded(data).description == ("long " * 100).strip()


def test_of_several_records_of_a_kind_the_first_counts() -> None:
    segments = [made.segment(0xE1, made.XMP_MARK + made.title(each)) for each in ("one", "two")]

    assert read_embedded(made.jpeg(*segments)).title == "one"


def test_fill_bytes_and_lone_markers_between_segments_are_passed_over() -> None:
    data = made.jpeg(b"\xff\xff\xff\x01\xff\xff", made.segment(0xE1, made.XMP_MARK + PACKET))

    assert read_embedded(data) == EmbeddedMetadata(title="From XMP")


@pytest.mark.parametrize("length", [0, 1, 65535], ids=["none", "shorter-than-itself", "too-long"])
def test_segments_before_one_of_a_wrong_length_are_read(length: int) -> None:
    wrong = b"\xff\xe2" + struct.pack(">H", length)
    data = made.jpeg(made.segment(0xE1, made.XMP_MARK + PACKET), wrong)

    assert read_embedded(data) == EmbeddedMetadata("From XMP", problems=(BROKEN_CONTAINER,))


def test_a_damaged_chunk_of_a_png_is_left_out_and_named() -> None:
    data = bytearray(made.png(texts={"Title": "Lost", "Author": "Kept"}))
    data[data.index(b"Lost")] ^= 1

    assert read_embedded(bytes(data)) == EmbeddedMetadata(
        creator="Kept", problems=(BROKEN_CONTAINER,)
    )


def test_a_pngs_remarks_are_read_from_every_kind_of_chunk() -> None:
    data = made.png_with(
        made.chunk(b"tEXt", b"Title\0Caf\xe9"),
        made.chunk(b"zTXt", b"Author\0\0" + zlib.compress(b"Packed")),
        made.chunk(b"iTXt", b"Description\0\0\0de\0Beschreibung\0" + "Größe".encode()),
        made.chunk(b"tEXt", b"Copyright\0Owner"),
        made.chunk(b"tEXt", b"Comment\0nobody asks for this"),
    )

    assert read_embedded(data) == EmbeddedMetadata(
        title="Café", creator="Packed", description="Größe", rights="Owner"
    )


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(zlib.compress(b"text" * 99)[:-20], id="cut"),
        pytest.param(b"no zlib", id="not-packed"),
        pytest.param(zlib.compress(bytes(200 * 2**20)), id="200-MB-of-zeros"),
    ],
)
def test_packed_remarks_that_do_not_unpack_are_named(content: bytes) -> None:
    data = made.png_with(made.chunk(b"zTXt", b"Title\0\0" + content))

    assert read_embedded(data) == EmbeddedMetadata(problems=(BROKEN_CONTAINER,))


def test_a_remark_that_does_not_unpack_is_not_looked_for_again() -> None:
    data = made.png_with(
        made.chunk(b"zTXt", b"Title\0\0no zlib"), made.chunk(b"tEXt", b"Title\0Second")
    )

    assert read_embedded(data) == EmbeddedMetadata(problems=(BROKEN_CONTAINER,))


@pytest.mark.parametrize("wrapped", [BLOCK, made.resources(BLOCK)], ids=["bare", "resources"])
def test_records_in_imagemagicks_remarks_are_read(wrapped: bytes) -> None:
    data = made.png_with(
        made.raw_profile("iptc", wrapped), made.raw_profile("exif", made.EXIF_MARK + TAGS)
    )

    assert read_embedded(data) == EmbeddedMetadata(
        creator="From EXIF", credit="From IIM", taken_at=TAKEN_AT
    )


@pytest.mark.parametrize("text", [b"\niptc\n 99\n1c02", b"\niptc\n2\nzz", b"\niptc\nx\n1c", b"x"])
def test_broken_remarks_of_imagemagick_are_named(text: bytes) -> None:
    data = made.png_with(made.chunk(b"tEXt", b"Raw profile type iptc\0" + text))

    assert read_embedded(data) == EmbeddedMetadata(problems=(BROKEN_CONTAINER,))


def test_a_webps_chunk_of_odd_length_is_padded() -> None:
    tags = TAGS + bytes(1 - len(TAGS) % 2)

    assert read_embedded(made.webp(tags=tags, packet=PACKET)) == EmbeddedMetadata(
        title="From XMP", creator="From EXIF", taken_at=TAKEN_AT
    )


def test_a_webp_that_was_cut_short_is_named() -> None:
    data = made.webp(tags=TAGS, packet=PACKET)

    assert read_embedded(data[:-9]) == EmbeddedMetadata(
        creator="From EXIF", taken_at=TAKEN_AT, problems=(BROKEN_CONTAINER,)
    )


def test_heics_item_beyond_the_file_is_named() -> None:
    data = made.heic(tags=TAGS, packet=PACKET)

    assert read_embedded(data[:-9]) == EmbeddedMetadata(problems=(BROKEN_CONTAINER,))


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("extents", [1, 2])
def test_heics_items_lie_in_the_file_or_in_the_box_itself(version: int, extents: int) -> None:
    """`iloc` of every version; written by hand, since libraries write one way each."""
    data = made.heif_by_hand(PACKET, version=version, extents=extents)

    assert read_embedded(data) == EmbeddedMetadata(title="From XMP")


@pytest.mark.parametrize("version", [0, 1])
def test_heics_item_without_a_length_goes_on_to_the_end(version: int) -> None:
    data = made.heif_by_hand(PACKET, version=version, names_length=False)

    assert read_embedded(data) == EmbeddedMetadata(title="From XMP")


@pytest.mark.parametrize("length", [7, 2**31], ids=["no-head", "too-long"])
def test_a_box_of_a_wrong_length_is_named(length: int) -> None:
    data = bytearray(made.heif_by_hand(PACKET, version=0))
    at = data.index(b"meta") - 4
    data[at : at + 4] = struct.pack(">I", length)

    assert read_embedded(bytes(data)) == EmbeddedMetadata(problems=(BROKEN_CONTAINER,))


def test_boxes_with_long_lengths_and_without_any_are_read() -> None:
    data = bytearray(made.heif_by_hand(PACKET, version=1, is_long=True))
    at = data.index(b"meta") - 4
    data[at : at + 4] = bytes(4)  # it goes on to the end

    assert read_embedded(bytes(data)) == EmbeddedMetadata(title="From XMP")


def test_a_packet_goes_on_in_extension_segments() -> None:
    rest = made.xmp(made.alternatives("dc:description", x_default="long " * 15_000))
    note = f'xmpNote:HasExtendedXMP="{made.guid_of(rest)}"'
    packet = made.xmp(made.alternatives("dc:title", x_default="Main"), note)
    others = made.extended(made.title("of another picture"))

    data = made.jpeg_with(packet=packet, extensions=[*others, *reversed(made.extended(rest))])

    said = read_embedded(data)
    assert (said.title, said.description) == ("Main", ("long " * 1_000).strip())


def test_what_the_packet_says_goes_before_its_extension() -> None:
    rest = made.title("Extension")
    note = f'xmpNote:HasExtendedXMP="{made.guid_of(rest)}"'
    packet = made.xmp(made.alternatives("dc:title", x_default="Main"), note)

    assert read_embedded(made.jpeg_with(packet=packet, extensions=made.extended(rest))) == (
        EmbeddedMetadata(title="Main")
    )


REST = made.xmp(made.alternatives("dc:description", x_default="rest"))


@pytest.mark.parametrize(
    "extensions",
    [
        pytest.param([], id="missing"),
        pytest.param(made.extended(REST, part_bytes=300)[1:], id="first-part-missing"),
        pytest.param(made.extended(REST, part_bytes=300)[:-1], id="last-part-missing"),
        pytest.param(made.extended(REST + b" ", guid=made.guid_of(REST)), id="other-bytes"),
        pytest.param([made.guid_of(REST).encode()], id="head-cut"),
    ],
)
def test_a_broken_extension_is_named_and_the_packet_kept(extensions: list[bytes]) -> None:
    note = f'xmpNote:HasExtendedXMP="{made.guid_of(REST)}"'
    packet = made.xmp(made.alternatives("dc:title", x_default="Main"), note)

    assert read_embedded(made.jpeg_with(packet=packet, extensions=extensions)) == EmbeddedMetadata(
        title="Main", problems=(BROKEN_EXTENDED_XMP,)
    )


def test_an_extension_that_promises_gigabytes_is_not_joined() -> None:
    packet = made.xmp("", f'xmpNote:HasExtendedXMP="{"A" * 32}"')
    part = b"A" * 32 + struct.pack(">II", 2**32 - 1, 0) + b"<x/>"

    assert read_embedded(made.jpeg_with(packet=packet, extensions=[part])) == EmbeddedMetadata(
        problems=(LARGE_XMP,)
    )
