"""Files that were made to stop the reader, or that chance has damaged."""

import random
import struct
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache

import pytest

from ingestion.embedded import EmbeddedMetadata, read_embedded
from kernel.messages import known_codes
from tests.unit.ingestion.embedded import made

MEGABYTE = 2**20
MAX_WORK_S = 5.0


@contextmanager
def bounded_work() -> Iterator[None]:
    started = time.process_time()
    yield
    assert time.process_time() - started < MAX_WORK_S


def _png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _heif(*boxes: bytes) -> bytes:
    head = struct.pack(">I4s4sI", 16, b"ftyp", b"heic", 0)
    content = bytes(4) + b"".join(boxes)
    return head + struct.pack(">I", len(content) + 8) + b"meta" + content


@cache
def _remark(keyword: bytes) -> bytes:
    """A remark of 100 MB, in 100 kB."""
    return made.chunk(b"zTXt", keyword + b"\0\0" + zlib.compress(bytes(100 * MEGABYTE)))


ENTRY = made.box(b"infe", struct.pack(">IHH4s", 2 << 24, 7, 0, b"Exif") + b"\0")
ENTRIES = made.box(b"iinf", struct.pack(">IH", 0, 1) + ENTRY)
# 60,000 items of 65,535 parts each, none of which takes a byte of the list.
NO_BYTES = made.box(b"iloc", bytes(6) + b"\xff\xff" + struct.pack(">HHH", 7, 0, 65_535) * 60_000)
# One item of 60,000 parts, each of which is most of the file.
WHOLE_FILES = made.box(
    b"iloc",
    struct.pack(">IBBHHHH", 0, 0x44, 0, 1, 7, 0, 60_000) + struct.pack(">II", 0, 400_000) * 60_000,
)
# Made when they are needed: they are large.
HOSTILE = {
    "jpeg-fill-bytes": lambda: b"\xff\xd8" + b"\xff" * (50 * MEGABYTE),
    "jpeg-empty-segments": lambda: b"\xff\xd8" + b"\xff\xe1\0\2" * (10 * MEGABYTE),
    "png-remarks": lambda: _png(made.chunk(b"tEXt", b"Title\0x") * 150_000),
    "png-unknown-chunks": lambda: _png(made.chunk(b"abcd", b"") * 300_000),
    "png-zip-bombs": lambda: _png(
        *(_remark(each) for each in (b"Title", b"Author")), _remark(b"Title") * 99
    ),
    "webp-chunks": lambda: b"RIFF\0\0\0\0WEBP" + b"ANMF\0\0\0\0" * (6 * MEGABYTE),
    "gif-packets": lambda: b"GIF89a" + b"\x21\xff\x0bXMP DataXMP" * (3 * MEGABYTE),
    "heif-entries": lambda: _heif(made.box(b"iinf", bytes(6) + ENTRY * 500_000), NO_BYTES),
    "heif-parts-of-no-bytes": lambda: _heif(ENTRIES, NO_BYTES),
    "heif-the-file-times-60000": lambda: _heif(ENTRIES, WHOLE_FILES),
    "tiff-turned-iim": lambda: made.tiff([(33723, 4, b"\0\2\x1c\x1c" * (2 * MEGABYTE))]),
    "tiff-text": lambda: made.tiff([(33432, 2, b"\0a" * (4 * MEGABYTE))]),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_read_in_bounded_work(kind: str) -> None:
    data = HOSTILE[kind]()

    with bounded_work():
        read_embedded(data)


SIDECARS = {
    "names": lambda: "".join(f'<dc:a xmlns:b="u{number}"/>' for number in range(90_000)),
    "names-of-one": lambda: "<dc:a " + " ".join(f"xmlns:b{n}='u'" for n in range(150_000)) + "/>",
    "references": lambda: f"<dc:title>{'&amp;' * 800_000}</dc:title>",
    "lines": lambda: "<dc:title>" + "x\n" * 1_900_000 + "</dc:title>",
    "pieces": lambda: "<dc:title>" + "<![CDATA[x]]>" * 300_000 + "</dc:title>",
    "remarks": lambda: f"<!--{'- ' * 1_900_000}-->",
}


@pytest.mark.parametrize("kind", SIDECARS)
def test_hostile_documents_are_read_in_bounded_work(kind: str) -> None:
    document = made.xmp(SIDECARS[kind]())

    with bounded_work():
        read_embedded(b"", sidecar=document)


@pytest.mark.parametrize("kind", ["png-zip-bombs", "heif-the-file-times-60000"])
def test_no_more_is_held_than_a_record_may_have(kind: str) -> None:
    data = HOSTILE[kind]()

    tracemalloc.start()
    read_embedded(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 40 * MEGABYTE


FULL = made.xmp(
    made.alternatives("dc:title", de="Größe", x_default="Size")
    + made.listed("dc:creator", "First", "Second", kind="Seq")
    + made.listed("dc:subject", *(f"word {number}" for number in range(20)))
    + '<plus:Licensor><rdf:Seq><rdf:li plus:LicensorName="Agency"/></rdf:Seq></plus:Licensor>',
    'photoshop:Credit="Credit" photoshop:DateCreated="2024-05-01T10:20:30+02:00" '
    f'xmpNote:HasExtendedXMP="{made.guid_of(made.title("Rest"))}"',
)
BLOCK = made.iim(
    made.UTF8_MARK,
    (2, 5, "Größe".encode()),
    (2, 25, b"sea"),
    (2, 55, b"20240501"),
    (2, 60, b"1020"),
)
TAGS = made.exif(
    {270: b"Caption", 315: b"Somebody", 33432: b"One\0Two\0"},
    {36867: "2024:05:01 10:20:30", 36881: "+02:00", 37521: "25"},
    has_gps=True,
)
WHOLE = {
    "jpeg": made.jpeg_with(
        packet=FULL,
        photoshop=made.resources(BLOCK, digest_of=b""),
        tags=TAGS,
        extensions=made.extended(made.title("Rest"), part_bytes=200),
    ),
    "png": made.png_with(
        made.chunk(b"eXIf", TAGS),
        made.chunk(b"iTXt", made.PNG_XMP.encode() + b"\0\1\0\0\0" + zlib.compress(FULL)),
        made.raw_profile("iptc", made.resources(BLOCK)),
        made.chunk(b"tEXt", b"Title\0Title"),
    ),
    "webp": made.webp(tags=TAGS, packet=FULL),
    "heic": made.heic(tags=TAGS, packet=FULL),
    "heif": made.heif_by_hand(FULL, version=2, extents=3),
    "tiff": made.tiff(
        [(315, 2, b"Tag\0"), (700, 1, FULL), (33723, 4, BLOCK), (34377, 7, made.resources(BLOCK))]
    ),
    "exif": TAGS,
    "gif": made.gif(FULL),
    "sidecar": FULL,
}
TRIES = 400


@pytest.mark.parametrize("kind", WHOLE)
def test_damage_by_chance_never_raises(kind: str) -> None:
    rng = random.Random(f"damage of {kind}")  # noqa: S311 - it has to be the same every time
    whole = WHOLE[kind]
    undamaged = _read(kind, whole)
    assert undamaged != EmbeddedMetadata()
    different = 0
    for _ in range(TRIES):
        with bounded_work():
            said = _read(kind, _damaged(whole, rng))
        _check(said)
        different += said != undamaged
    assert different > TRIES / 10


@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_that_ends_anywhere_never_raises(kind: str) -> None:
    whole = WHOLE[kind]
    for end in range(0, len(whole), 7):
        _check(_read(kind, whole[:end]))


def _read(kind: str, data: bytes) -> EmbeddedMetadata:
    return read_embedded(b"", sidecar=data) if kind == "sidecar" else read_embedded(data)


def _damaged(whole: bytes, rng: random.Random) -> bytes:
    """The file with some bytes replaced, left out, repeated, or turned into absurd numbers."""
    data = bytearray(whole)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(data) - 8)
        kind = rng.randrange(5)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            number = rng.choice((0, 1, len(data), 2**31, 2**32 - 1))
            data[at : at + 4] = struct.pack(rng.choice("<>") + "I", number)
        elif kind == 3:
            del data[at : at + rng.randrange(1, 9)]
        else:
            data[at:at] = data[at : at + rng.randrange(1, 40)]
    return bytes(data)


def _check(said: EmbeddedMetadata) -> None:
    """Whatever was read may be stored, and every problem has a sentence."""
    assert len(said.title) <= 300
    assert len(said.description) <= 5_000
    assert len(said.keywords) <= 500
    texts = (said.title, said.description, said.creator, said.credit, said.rights, *said.keywords)
    for text in (*texts, said.usage_terms, said.licensor):
        assert "\0" not in text
        text.encode()  # no half of a pair
    if said.taken_at is not None and said.taken_at.tzinfo is not None:
        assert isinstance(said.taken_at.astimezone(UTC), datetime)
    assert set(said.problems) <= known_codes()
