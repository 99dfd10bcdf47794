import os
from collections import Counter
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from ingestion.sources import FolderSource, UploadSource
from kernel.errors import UserInputError
from tests.pictures import plain


def names_in(folder: Path, passed_over: Counter[str] | None = None) -> list[str]:
    return [
        file.name
        for file in FolderSource(folder).files(Counter() if passed_over is None else passed_over)
    ]


def refusal(path: Path) -> str:
    [file] = FolderSource(path.parent).files(Counter())
    with pytest.raises(UserInputError) as caught:
        file.read()
    return caught.value.code


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(plain())


def test_pictures_are_found_in_all_folders_a_folders_own_first(tmp_path: Path) -> None:
    put(tmp_path, "b.png", "a.JPG", "z/2.webp", "z/1.avif", "c/x/deep.tiff")

    assert names_in(tmp_path) == ["a.JPG", "b.png", "c/x/deep.tiff", "z/1.avif", "z/2.webp"]


def test_files_that_promise_no_picture_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "a.txt", "a.json", "a.jpg.xmp", "README", "Thumbs.db", "jpg")

    assert names_in(tmp_path) == ["a.jpg"]


def test_pictures_of_kinds_that_are_not_read_are_named(tmp_path: Path) -> None:
    put(tmp_path, "logo.svg", "layers.PSD")

    assert names_in(tmp_path) == ["layers.PSD", "logo.svg"]


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path, ".hidden.jpg", "._a.jpg", ".thumbnails/t.jpg", "a.jpg")

    assert names_in(tmp_path) == ["a.jpg"]


def test_what_machines_keep_beside_pictures_is_passed_over(tmp_path: Path) -> None:
    kept = ["#1 favourites/a.jpg", "$100/a.jpg", "@home/a.jpg", "recycle/a.jpg"]
    machines = [
        "@eaDir/a.jpg/thumb.jpg",
        "#recycle/a.jpg",
        "$RECYCLE.BIN/S-1/a.jpg",
        "@Recycle/a.jpg",
    ]
    put(tmp_path, *kept, *machines)

    assert sorted(names_in(tmp_path)) == sorted(kept)


def test_every_file_that_is_passed_over_is_counted_by_kind(tmp_path: Path) -> None:
    put(
        tmp_path,
        *("a.jpg", "a.xmp", "B.XMP", "clip.mp4", "scan.pdf"),
        *("old.zip", ".hidden.jpg", ".cache/a.jpg", "@eaDir/a.jpg", ".thumbnails/1/2.jpg"),
        *("x/#recycle/a.jpg", "Thumbs.db", "README"),
    )
    (tmp_path / "again").symlink_to(tmp_path)
    passed_over: Counter[str] = Counter()

    names_in(tmp_path, passed_over)

    assert passed_over == {
        "sidecar .xmp": 1,  # the other one comes with its picture
        "video .mp4": 1,
        "document .pdf": 1,
        "archive .zip": 1,
        "hidden": 2,
        "machine": 3,
        "link": 1,
        "other": 2,
    }


@pytest.mark.parametrize(
    "maker", ["3FR", "DNG", "NEF", "ORF", "PEF", "RAF", "RW2", "SRW", "ARW", "IIQ", "X3F"]
)
def test_raw_files_of_every_maker_are_named(tmp_path: Path, maker: str) -> None:
    put(tmp_path, f"DSC_1.{maker}")
    passed_over: Counter[str] = Counter()

    assert names_in(tmp_path, passed_over) == [f"DSC_1.{maker}"]  # and refused, each by its name
    assert passed_over == {}


def test_nothing_in_a_name_steers_a_terminal(tmp_path: Path) -> None:
    put(tmp_path, "red\x1b[31m\n9 files: 9 added.jpg")

    assert names_in(tmp_path) == ["red\ufffd[31m\ufffd9 files: 9 added.jpg"]


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\u2028", "\x9b"])
def test_nothing_in_a_name_turns_the_line_or_ends_it(tmp_path: Path, sign: str) -> None:
    put(tmp_path, f"a{sign}b.jpg")

    assert names_in(tmp_path) == ["a\ufffdb.jpg"]


def test_a_files_path_is_that_below_the_source(tmp_path: Path) -> None:
    put(tmp_path, "2019/Paris/a.jpg")

    [file] = FolderSource(tmp_path).files(Counter())

    assert file.path == "2019/Paris/a.jpg"


def test_a_hidden_folder_that_is_asked_for_by_name_is_read(tmp_path: Path) -> None:
    put(tmp_path / ".pictures", "a.jpg")

    assert names_in(tmp_path / ".pictures") == ["a.jpg"]


def test_names_may_be_of_any_letters(tmp_path: Path) -> None:
    put(tmp_path, "Мои фото/Кошка на окне.jpg", "日本.png")

    found = list(FolderSource(tmp_path).files(Counter()))

    assert [file.name for file in found] == ["日本.png", "Мои фото/Кошка на окне.jpg"]
    assert [file.read() for file in found] == [plain(), plain()]


def test_a_name_that_is_not_utf_8_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg")).write_bytes(plain())

    [file] = FolderSource(tmp_path).files(Counter())

    assert file.name == "caf\N{REPLACEMENT CHARACTER}.jpg"
    assert file.read() == plain()


def test_one_file_is_a_source_whatever_its_ending(tmp_path: Path) -> None:
    put(tmp_path, "picture.dat")

    [file] = FolderSource(tmp_path / "picture.dat").files(Counter())

    assert (file.name, file.read()) == ("picture.dat", plain())


@pytest.mark.parametrize(
    "name", ["missing", "dangling", "n" * 300], ids=["missing", "dangling-link", "no-such-name"]
)
def test_a_folder_that_is_not_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")

    with pytest.raises(UserInputError) as caught:
        names_in(tmp_path / name)

    assert caught.value.code == "folder:user:missing"
    assert caught.value.context == {"folder": str(tmp_path / name)}


def test_a_folder_without_pictures_is_empty(tmp_path: Path) -> None:
    assert names_in(tmp_path) == []


def test_a_link_to_a_picture_is_read(tmp_path: Path) -> None:
    (tmp_path / "originals").mkdir()
    put(tmp_path, "elsewhere.dat")
    (tmp_path / "originals" / "a.jpg").symlink_to(tmp_path / "elsewhere.dat")

    [file] = FolderSource(tmp_path / "originals").files(Counter())

    assert file.read() == plain()


def test_a_broken_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to(tmp_path / "nowhere.jpg")

    assert refusal(tmp_path / "a.jpg") == "file:user:missing"


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to(tmp_path / "a.jpg")

    assert refusal(tmp_path / "a.jpg") == "file:user:unreadable"


def test_a_loop_of_folders_ends(tmp_path: Path) -> None:
    put(tmp_path, "in/a.jpg")
    (tmp_path / "in" / "again").symlink_to(tmp_path)

    assert names_in(tmp_path) == ["in/a.jpg"]


def test_a_pipe_named_like_a_picture_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.jpg")

    assert refusal(tmp_path / "x.jpg") == "file:user:unreadable"


def test_a_link_to_a_device_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")

    assert refusal(tmp_path / "zero.jpg") == "file:user:unreadable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    (tmp_path / "a.jpg").chmod(0)

    assert refusal(tmp_path / "a.jpg") == "file:user:unreadable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    put(tmp_path, "secret/a.jpg")
    (tmp_path / "secret").chmod(0)

    [file] = FolderSource(tmp_path).files(Counter())

    (tmp_path / "secret").chmod(0o700)
    assert file.name == "secret"
    with pytest.raises(UserInputError):
        file.read()


def test_a_file_that_disappears_after_it_was_listed(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    [file] = FolderSource(tmp_path).files(Counter())
    (tmp_path / "a.jpg").unlink()

    with pytest.raises(UserInputError) as caught:
        file.read()

    assert caught.value.code == "file:user:missing"


@pytest.mark.parametrize(
    ("file_bytes", "code"),
    [(0, "image:user:empty-file"), (101, "image:user:too-large")],
    ids=["empty", "too-large"],
)
def test_a_files_size_is_asked_before_it_is_read(
    tmp_path: Path, settings, file_bytes: int, code: str
) -> None:
    settings.UPLOAD_MAX_BYTES = 100
    (tmp_path / "a.jpg").write_bytes(b"." * file_bytes)

    assert refusal(tmp_path / "a.jpg") == code


def test_a_sparse_file_of_a_terabyte_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.jpg").open("wb") as file:
        file.truncate(2**40)

    assert refusal(tmp_path / "a.jpg") == "image:user:too-large"


class ChangingFile(type(Path())):
    """A file that somebody gives another size each time its size was asked for."""

    def stat(self, **options: bool) -> os.stat_result:
        facts = super().stat(**options)
        os.truncate(self, self.sizes.pop(0))
        return facts


@pytest.mark.parametrize(
    ("new_bytes", "code"),
    [(2**40, "image:user:too-large"), (0, "image:user:empty-file")],
    ids=["grown", "emptied"],
)
def test_a_file_that_changes_after_its_size_was_asked_is_not_read_whole(
    tmp_path: Path, new_bytes: int, code: str
) -> None:
    put(tmp_path, "a.jpg")
    path = ChangingFile(tmp_path / "a.jpg")
    path.sizes = [100, new_bytes]
    [file] = FolderSource(path).files(Counter())

    with pytest.raises(UserInputError) as caught:
        file.read()

    assert caught.value.code == code


def test_uploads_keep_their_names_and_order() -> None:
    uploads = [SimpleUploadedFile(name, name.encode()) for name in ("b.jpg", "a.png")]

    found = list(UploadSource(uploads).files(Counter()))

    assert [(file.name, file.read()) for file in found] == [
        ("b.jpg", b"b.jpg"),
        ("a.png", b"a.png"),
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "image:user:empty-file"), (b"." * 101, "image:user:too-large")],
    ids=["empty", "too-large"],
)
def test_an_uploads_size_is_asked_before_it_is_read(settings, data: bytes, code: str) -> None:
    settings.UPLOAD_MAX_BYTES = 100
    [file] = UploadSource([SimpleUploadedFile("a.jpg", data)]).files(Counter())

    with pytest.raises(UserInputError) as caught:
        file.read()

    assert caught.value.code == code
