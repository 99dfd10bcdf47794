"""ZIP and TAR as sources, and what is wrong with some of them."""

import gzip
import io
import os
import struct
import tarfile
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from catalog.models import Image
from catalog.services import ImageMetadata
from ingestion.models import ImportFailure
from ingestion.services import start_import, take_in
from ingestion.sources import ArchiveSource, SourceFile, recognise
from ingestion.sources import archive as archives
from kernel.errors import UserInputError
from tests.conftest import Broker
from tests.pictures import encoded, noise, numbered
from tests.unit.ingestion.archives import add_to_tar, write_tar, write_zip

Write = Callable[[Path, dict[str, bytes]], Path]

MiB = 1024 * 1024
WAYS: dict[str, Write] = {
    "zip": write_zip,
    "zip-deflated": lambda path, members: write_zip(path, members, zipfile.ZIP_DEFLATED),
    "tar": write_tar,
    "tar.gz": lambda path, members: write_tar(path, members, "w:gz"),
    "tar.bz2": lambda path, members: write_tar(path, members, "w:bz2"),
    "tar.xz": lambda path, members: write_tar(path, members, "w:xz"),
}
BOTH = {name: WAYS[name] for name in ("zip", "tar")}


def files_of(path: Path, passed_over: Counter[str] | None = None) -> list[SourceFile]:
    return list(ArchiveSource(path).files(Counter() if passed_over is None else passed_over))


def ends_of(path: Path) -> dict[str, bytes | str]:
    """Read every file as it comes: its bytes, or the code that it is refused with."""
    ends: dict[str, bytes | str] = {}
    for file in ArchiveSource(path).files(Counter()):
        try:
            ends[file.name] = file.read()
        except UserInputError as error:
            ends[file.name] = error.code
    return ends


def refusal(path: Path) -> str:
    with pytest.raises(UserInputError) as caught:
        ArchiveSource(path).check()
    return caught.value.code


@pytest.mark.parametrize("write", WAYS.values(), ids=WAYS)
def test_pictures_are_read_with_their_paths_whatever_the_archives_name(
    tmp_path: Path, write: Write
) -> None:
    members = {"b.jpg": numbered(1), "Лето/море/a.png": numbered(2), "c/d.webp": numbered(3)}
    path = write(tmp_path / "downloaded", members)

    source = recognise(str(path))

    assert isinstance(source, ArchiveSource)
    source.check()
    found = list(source.files(Counter()))
    assert [(file.path, file.read()) for file in found] == list(members.items())
    # Read again, as where SQL was away the first time.
    assert [file.read() for file in found] == list(members.values())


@pytest.mark.parametrize("write", BOTH.values(), ids=BOTH)
def test_what_is_no_picture_is_counted_by_kind(tmp_path: Path, write: Write) -> None:
    names = (
        *("a.jpg", "a.xmp", "inner.zip", "inner.tar.gz", "clip.MOV", "x.cr2", "letter.pdf"),
        *(".hidden.jpg", "__MACOSX/._a.jpg", "d/@eaDir/a.jpg/t.jpg", ".git/a.jpg", "README"),
    )
    path = write(tmp_path / "a", dict.fromkeys(names, b"."))
    passed_over: Counter[str] = Counter()

    found = files_of(path, passed_over)

    assert [file.name for file in found] == ["a.jpg", "x.cr2"]
    assert passed_over == {
        "sidecar .xmp": 1,
        "archive .zip": 1,
        "archive .gz": 1,
        "video .mov": 1,
        "document .pdf": 1,
        "hidden": 2,
        "machine": 2,
        "other": 1,
    }


@pytest.mark.parametrize("write", BOTH.values(), ids=BOTH)
@pytest.mark.parametrize(
    "name", ["../a.jpg", "x/../../a.jpg", "/etc/a.jpg", "C:/a.jpg"], ids=lambda name: name
)
def test_a_path_that_leads_out_of_the_archive_is_refused(
    tmp_path: Path, write: Write, name: str
) -> None:
    path = write(tmp_path / "a", {name: numbered(1), "b.jpg": numbered(2)})

    assert ends_of(path) == {name: "archive:user:unsafe-path", "b.jpg": numbered(2)}


def test_backslashes_in_a_zip_are_folders_and_lead_out_of_it_no_more(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a", {"x\\a.jpg": numbered(1), "..\\b.jpg": numbered(2)})

    assert ends_of(path) == {"x/a.jpg": numbered(1), "../b.jpg": "archive:user:unsafe-path"}


@pytest.mark.parametrize("write", BOTH.values(), ids=BOTH)
def test_nothing_in_a_members_name_steers_a_terminal(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path / "a", {"red\x1b[31m\n1 files: 1 added.jpg": numbered(1)})

    [file] = files_of(path)

    assert file.name == file.path == "red\ufffd[31m\ufffd1 files: 1 added.jpg"


@pytest.mark.parametrize(
    ("kind", "counted"),
    [
        (tarfile.SYMTYPE, "link"),
        (tarfile.LNKTYPE, "link"),
        (tarfile.CHRTYPE, "device"),
        (tarfile.BLKTYPE, "device"),
        (tarfile.FIFOTYPE, "device"),
    ],
    ids=["symbolic-link", "hard-link", "character-device", "block-device", "pipe"],
)
def test_links_and_devices_in_a_tar_are_counted_and_never_opened(
    tmp_path: Path, kind: bytes, counted: str
) -> None:
    path = write_tar(tmp_path / "a.tar", {"b.jpg": numbered(1)})
    add_to_tar(path, "a.jpg", kind, "/etc/passwd")
    passed_over: Counter[str] = Counter()

    assert [file.name for file in files_of(path, passed_over)] == ["b.jpg"]
    assert passed_over == {counted: 1}


def test_links_in_a_zip_are_counted_and_never_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("a.jpg")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    passed_over: Counter[str] = Counter()

    assert files_of(path, passed_over) == []
    assert passed_over == {"link": 1}


def encrypt_first(path: Path) -> None:
    """Have a ZIP say that its first member is encrypted."""
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1
    path.write_bytes(data)


def test_an_encrypted_member_is_refused_and_the_others_are_read(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.jpg": numbered(1), "b.jpg": numbered(2)})
    encrypt_first(path)

    assert ends_of(path) == {"a.jpg": "archive:user:encrypted", "b.jpg": numbered(2)}


def test_names_in_utf_8_without_the_flag_that_says_so(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"XXXXXXXX.jpg": numbered(1)})
    path.write_bytes(path.read_bytes().replace(b"XXXXXXXX", "Лето".encode()))

    [file] = files_of(path)

    assert (file.path, file.read()) == ("Лето.jpg", numbered(1))


# Growth


@pytest.mark.parametrize("write", WAYS.values(), ids=WAYS)
def test_a_member_that_is_larger_than_a_picture_may_be_is_never_held(
    tmp_path: Path, settings, write: Write
) -> None:
    settings.UPLOAD_MAX_BYTES = MiB
    path = write(tmp_path / "a", {"a.jpg": bytes(64 * MiB), "b.jpg": numbered(2)})

    tracemalloc.start()
    ends = ends_of(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert ends == {"a.jpg": "image:user:too-large", "b.jpg": numbered(2)}
    assert peak_bytes < 16 * MiB


def test_a_member_that_lies_about_its_size_is_not_unpacked_beyond_it(
    tmp_path: Path, settings
) -> None:
    """A thousandfold growth behind a size that is well within the limit."""
    settings.UPLOAD_MAX_BYTES = MiB
    path = write_zip(tmp_path / "a.zip", {"a.jpg": bytes(64 * MiB)}, zipfile.ZIP_DEFLATED)
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<I", 64 * MiB), struct.pack("<I", 1000)))

    tracemalloc.start()
    ends = ends_of(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert ends == {"a.jpg": "archive:user:damaged-member"}
    assert peak_bytes < 16 * MiB


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_an_archive_that_grows_a_thousandfold_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(archives, "FREE_GROWTH_BYTES", MiB)
    members = {"a.jpg": numbered(1)} | {f"{n}.bin": bytes(16 * MiB) for n in range(4)}
    path = write_tar(tmp_path / "a", members | {"z.jpg": numbered(2)}, mode)
    assert sum(map(len, members.values())) > 500 * path.stat().st_size

    assert ends_of(path) == {"a.jpg": numbered(1), str(path): "archive:user:grows"}


def test_members_of_a_zip_that_grow_together_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "FREE_GROWTH_BYTES", MiB)
    members = {f"{n}.jpg": bytes(600_000) for n in range(4)}
    path = write_zip(tmp_path / "a.zip", members, zipfile.ZIP_DEFLATED)

    ends = ends_of(path)

    assert ends["0.jpg"] == bytes(600_000)
    assert [ends[f"{n}.jpg"] for n in (1, 2, 3)] == ["archive:user:grows"] * 3


def test_a_list_of_members_that_would_fill_the_memory_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_zip(tmp_path / "a.zip", {f"{n}.jpg": b"." for n in range(100)})
    monkeypatch.setattr(archives, "MAX_LIST_BYTES", 100 * 46)

    assert refusal(path) == "archive:user:too-many-members"


def test_the_list_of_a_zip64_is_measured_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_zip(tmp_path / "a.zip", {f"{n}.jpg": b"." for n in range(100)})
    data = path.read_bytes()
    start = data.rindex(b"PK\x05\x06")
    size, offset = struct.unpack_from("<II", data, start + 12)
    end_64 = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 100, 100, size, offset)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, start, 1)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 100, 100, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path.write_bytes(data[:start] + end_64 + locator + end)

    assert len(files_of(path)) == 100
    monkeypatch.setattr(archives, "MAX_LIST_BYTES", 100 * 46)
    assert refusal(path) == "archive:user:too-many-members"


def test_a_tar_of_many_members_takes_no_more_memory_than_one_of_few(tmp_path: Path) -> None:
    def peak_bytes(count: int) -> int:
        path = write_tar(tmp_path / f"{count}.tar", {f"{n}.jpg": b"." for n in range(count)})
        tracemalloc.start()
        assert sum(1 for _ in ArchiveSource(path).files(Counter())) == count
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    few = peak_bytes(100)

    # Twice: the interpreter keeps the names that pathlib meets, in a table that doubles once.
    assert min(peak_bytes(5000), peak_bytes(5000)) < few + 100_000


# Damage


@pytest.mark.parametrize("write", [WAYS[w] for w in WAYS if "tar" in w])
def test_of_a_tar_that_is_cut_off_what_was_read_before_is_kept(
    tmp_path: Path, write: Write, rng
) -> None:
    noise = {name: rng.bytes(2_000_000) for name in ("b.jpg", "c.jpg")}  # does not pack
    path = write(tmp_path / "a", {"a.jpg": numbered(1)} | noise)
    os.truncate(path, 3_500_000)

    ends = ends_of(path)

    assert ends == {
        "a.jpg": numbered(1),
        "b.jpg": noise["b.jpg"],
        str(path): "archive:user:damaged",
    }


def test_a_tar_with_a_damaged_header_does_not_end_in_silence(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {"a.jpg": b"a" * 512, "b.jpg": b"b", "c.jpg": b"c"})
    data = bytearray(path.read_bytes())
    data[1024 + 148 : 1024 + 156] = b"99999999"  # the checksum of the second header
    path.write_bytes(data)

    assert ends_of(path) == {"a.jpg": b"a" * 512, str(path): "archive:user:damaged"}


def test_a_damaged_member_of_a_zip_is_refused_and_the_others_are_read(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.jpg": b"a" * 100, "b.jpg": b"b" * 100})
    path.write_bytes(path.read_bytes().replace(b"a" * 100, b"x" * 100))

    assert ends_of(path) == {"a.jpg": "archive:user:damaged-member", "b.jpg": b"b" * 100}


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_ways_of_packing_that_grow_in_one_step_are_refused(
    tmp_path: Path, compression: int
) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.jpg": numbered(1)}, compression)

    assert ends_of(path) == {"a.jpg": "archive:user:packing"}


def test_a_way_of_packing_that_is_not_known_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.jpg": b"a"})
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.index(magic) + offset] = 9  # Deflate64
    path.write_bytes(data)

    assert ends_of(path) == {"a.jpg": "archive:user:packing"}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cut.zip", b"PK\x03\x04 and no end"),
        ("a.zip", b"no archive"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c"),
        ("a.gz", gzip.compress(b"no TAR in it, whatever its ending")),
        ("a.tar", b"." * 2000),
        ("a.tar.gz", b"\x1f\x8b no gzip"),
        ("empty.tar", b""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_archive_is_refused_before_anything_is_taken_in(
    tmp_path: Path, name: str, data: bytes
) -> None:
    (tmp_path / name).write_bytes(data)

    assert isinstance(recognise(str(tmp_path / name)), ArchiveSource)
    assert refusal(tmp_path / name) == "archive:user:damaged"


def test_an_archive_that_went_away(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.jpg": b"."})
    source = ArchiveSource(path)
    path.unlink()

    with pytest.raises(UserInputError) as caught:
        source.check()
    assert caught.value.code == "file:user:missing"


def test_an_empty_archive_has_no_files(tmp_path: Path) -> None:
    assert files_of(write_zip(tmp_path / "a.zip", {})) == []
    assert files_of(write_tar(tmp_path / "a.tar", {})) == []


def test_members_that_lie_over_each_other_are_read_once_at_most(tmp_path: Path) -> None:
    """As in the bomb of D. Fifield (2019): one kernel, listed under many names."""
    path = write_zip(tmp_path / "a.zip", {"a.jpg": b"." * 100, "b.jpg": b"." * 100})
    data = path.read_bytes()
    second = data.index(b"PK\x03\x04", 4)
    list_start = data.index(b"PK\x01\x02")
    offset_of_second = data.index(b"PK\x01\x02", list_start + 4) + 42
    assert struct.unpack_from("<I", data, offset_of_second) == (second,)
    path.write_bytes(data[:offset_of_second] + struct.pack("<I", 0) + data[offset_of_second + 4 :])

    assert ends_of(path)["b.jpg"] == "archive:user:damaged-member"


# Taken in


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("write", BOTH.values(), ids=BOTH)
def test_an_archive_is_taken_in_as_a_folder_is(
    tmp_path: Path, media: Path, broker: Broker, write: Write
) -> None:
    members = {"x/1.png": numbered(1), "2.png": b"no picture", "y/3.png": numbered(3)}
    path = write(tmp_path / "a", members)
    current = start_import(str(path))
    passed_over: Counter[str] = Counter()

    list(take_in(current, ArchiveSource(path).files(passed_over), passed_over=passed_over))

    assert set(Image.objects.values_list("path", "title")) == {("x/1.png", "1"), ("y/3.png", "3")}
    failures = ImportFailure.objects.values_list("name", "error_code")
    assert list(failures) == [("2.png", "image:user:not-a-picture")]


def test_a_sparse_member_is_no_larger_than_a_picture_may_be(tmp_path: Path, settings) -> None:
    settings.UPLOAD_MAX_BYTES = MiB
    member = tarfile.TarInfo("a.jpg")
    member.size = 512
    member.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "a.jpg",
        "GNU.sparse.realsize": str(2**40),
    }
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member, io.BytesIO(b"0\n".ljust(512, b"\0")))

    assert ends_of(tmp_path / "a.tar") == {"a.jpg": "image:user:too-large"}


# Manifests in archives


def test_a_manifest_names_what_comes_in_and_says_what_there_is_to_say(tmp_path: Path) -> None:
    manifest = "path,title,tags,taken_at\na/1.png,First,x;y,2024-05-31\n../2.png,,,\nno.png,,,\n"
    members = {
        "manifest.csv": manifest.encode(),
        "a/1.png": numbered(1),
        "2.png": numbered(2),
        "notes.txt": b"text",
    }
    source = ArchiveSource(write_zip(tmp_path / "a.zip", members))
    source.check()
    passed_over: Counter[str] = Counter()

    first, outside, missing = source.files(passed_over)

    assert (first.path, first.read()) == ("a/1.png", numbered(1))
    assert first.metadata == ImageMetadata(title="First", tags=("x", "y"), taken_at="2024-05-31")
    for file in (outside, missing):
        with pytest.raises(UserInputError) as refused:
            file.read()
        assert refused.value.code == "file:user:missing"
    assert passed_over == {"unnamed": 2}


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        (b"name\nx\n", "manifest:user:unknown-columns"),
        (b"path\n" + b"x" * 2**23, "manifest:user:long-line"),
        (b"path\n\xff\n", "manifest:user:wrong-encoding"),
    ],
    ids=["columns", "line", "encoding"],
)
def test_nothing_comes_in_of_an_archive_whose_manifest_is_malformed(
    tmp_path: Path, manifest: bytes, code: str
) -> None:
    path = write_zip(tmp_path / "a.zip", {"manifest.csv": manifest, "1.png": numbered(1)})

    with pytest.raises(UserInputError) as refused:
        ArchiveSource(path).check()

    assert refused.value.code == code


def test_a_row_with_a_bad_value_is_refused_alone(tmp_path: Path) -> None:
    manifest = b'{"path": "1.png", "taken_at": "last year"}\n{"path": "1.png"}\n'
    path = write_zip(tmp_path / "a.zip", {"manifest.jsonl": manifest, "1.png": numbered(1)})

    bad, good = ArchiveSource(path).files(Counter())

    with pytest.raises(UserInputError) as refused:
        bad.read()
    assert refused.value.code == "manifest:user:bad-row"
    assert good.read() == numbered(1)


def test_a_manifest_that_grows_without_end_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "FREE_GROWTH_BYTES", 100_000)
    lines = b"path\n" + b"a.png\n" * 100_000
    path = write_zip(tmp_path / "a.zip", {"manifest.csv": lines}, zipfile.ZIP_DEFLATED)

    with pytest.raises(UserInputError) as refused:
        ArchiveSource(path).check()

    assert refused.value.code == "archive:user:grows"


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_manifest_that_would_grow_in_one_step_is_not_unpacked(
    tmp_path: Path, compression: int
) -> None:
    manifest = b"path\n" + bytes(64 * 2**20)
    path = write_zip(tmp_path / "a.zip", {"manifest.csv": manifest}, compression)
    del manifest

    tracemalloc.start()
    with pytest.raises(UserInputError) as refused:
        ArchiveSource(path).check()
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert refused.value.code == "archive:user:packing"
    assert peak_bytes < 2**20


def test_an_encrypted_manifest_is_called_so(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"manifest.csv": b"path\na.png\n", "a.png": numbered(1)})
    encrypt_first(path)

    with pytest.raises(UserInputError) as refused:
        ArchiveSource(path).check()

    assert refused.value.code == "archive:user:encrypted"


@pytest.mark.parametrize("change", ["cut", "overwritten"])
def test_an_archive_that_changes_while_it_is_read(
    tmp_path: Path, rng: np.random.Generator, change: str
) -> None:
    # More than is read ahead.
    members = {f"{n}.png": encoded(noise(rng, 200, 200)) for n in range(3)}
    path = write_zip(tmp_path / "a.zip", members, zipfile.ZIP_DEFLATED)
    first, *others = ArchiveSource(path).files(Counter())
    assert first.read() == members["0.png"]

    with path.open("r+b") as file:
        if change == "cut":
            file.truncate(130_000)
        else:
            file.write(bytes(path.stat().st_size))

    for other in others:
        with pytest.raises(UserInputError) as refused:
            other.read()
        assert refused.value.code == "archive:user:damaged-member"
