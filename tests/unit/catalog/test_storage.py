import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog import storage
from kernel.errors import FileMissing, TransientError

FAILING = "tests.storages.FailingStorage"


def test_files_are_named_by_content() -> None:
    assert storage.original_name("ab" + "0" * 62) == f"originals/ab/ab{'0' * 62}"
    assert storage.thumbnail_name("ab" + "0" * 62) == f"thumbnails/ab/ab{'0' * 62}.jpg"


def test_what_was_written_is_read(media: Path) -> None:
    storage.write("originals/aa/aa", b"one")

    assert storage.read("originals/aa/aa") == b"one"
    assert storage.exists("originals/aa/aa")
    assert (media / "originals/aa/aa").read_bytes() == b"one"


def test_a_second_write_replaces_the_first_under_the_same_name(media: Path) -> None:
    storage.write("originals/aa/aa", b"a long first one")
    storage.write("originals/aa/aa", b"short")

    assert storage.read("originals/aa/aa") == b"short"
    assert list(storage.list_names("originals")) == ["originals/aa/aa"]


def test_names_are_listed_through_all_folders(media: Path) -> None:
    for name in ("originals/bb/2", "originals/aa/1", "originals/0", "queries/q"):
        storage.write(name, b".")

    assert list(storage.list_names("originals")) == [
        "originals/0",
        "originals/aa/1",
        "originals/bb/2",
    ]
    assert list(storage.list_names("never-made")) == []


def test_a_file_that_is_gone_may_be_deleted_again(media: Path) -> None:
    storage.write("a", b".")

    storage.delete("a")
    storage.delete("a")

    assert not storage.exists("a")


def test_times_are_aware(media: Path) -> None:
    storage.write("a", b".")

    assert datetime.now(UTC) - storage.modified_at("a") < timedelta(seconds=10)


@pytest.mark.parametrize("ask", [storage.read, storage.modified_at], ids=["read", "modified_at"])
def test_a_missing_file_is_ours_and_is_not_retried(media: Path, ask) -> None:
    with pytest.raises(FileMissing) as caught:
        ask("originals/aa/aa")

    assert caught.value.code == "storage:ours:file-missing"
    assert caught.value.context == {"name": "originals/aa/aa"}


@pytest.mark.parametrize(
    ("operation", "work"),
    [
        ("save", lambda: storage.write("a", b".")),
        ("open", lambda: storage.read("a")),
        ("delete", lambda: storage.delete("a")),
        ("exists", lambda: storage.exists("a")),
        ("listdir", lambda: list(storage.list_names("a"))),
    ],
    ids=["write", "read", "delete", "exists", "list"],
)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO])
def test_a_storage_that_fails_is_transient(use_storage, operation: str, work, code: int) -> None:
    use_storage(FAILING, operation=operation, code=code)

    with pytest.raises(TransientError) as caught:
        work()

    assert caught.value.code == "storage:transient:unavailable"
    assert isinstance(caught.value.__cause__, OSError)


def test_what_killed_processes_left_half_written_goes_after_an_hour(media: Path) -> None:
    storage.write("originals/aa/aa", b"whole")
    for name, age in (("old", timedelta(minutes=61)), ("young", timedelta(minutes=59))):
        path = media / "unfinished" / name
        path.write_bytes(b"ha")
        then = (datetime.now(UTC) - age).timestamp()
        os.utime(path, (then, then))

    assert storage.expire_unfinished() == 1

    assert list(storage.list_names("unfinished")) == ["unfinished/young"]
    assert storage.read("originals/aa/aa") == b"whole"
