import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from catalog.folder_storage import FolderStorage


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(
        location=tmp_path / "media",
        allow_overwrite=True,
        file_permissions_mode=0o600,
        directory_permissions_mode=0o700,
    )


class BreaksOff(ContentFile):
    """Content that ends in the middle."""

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        yield b"half of "
        raise OSError("the disk is full")


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_breaks_off_leaves_what_was_there(storage: FolderStorage, tmp_path: Path) -> None:
    storage.save("a/b", ContentFile(b"first"))

    with pytest.raises(OSError, match="the disk is full"):
        storage.save("a/b", BreaksOff(b""))
    with pytest.raises(OSError, match="the disk is full"):
        storage.save("a/c", BreaksOff(b""))

    assert files(tmp_path / "media") == {"a/b": b"first"}


def test_an_interruption_right_after_the_file_was_moved_is_what_is_raised(
    storage: FolderStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = Path.replace

    def interrupted(path: Path, to: Path) -> Path:
        move(path, to)
        raise KeyboardInterrupt

    storage.save("a/a", ContentFile(b"before"))
    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        storage.save("a/b", ContentFile(b"whole"))

    assert files(tmp_path / "media") == {"a/a": b"before", "a/b": b"whole"}


def test_only_its_owner_may_read_it(storage: FolderStorage, tmp_path: Path) -> None:
    storage.save("a/b/c", ContentFile(b"x"))

    modes = {
        each: stat.S_IMODE((tmp_path / "media" / each).stat().st_mode)
        for each in ("", "a", "a/b", "a/b/c", "unfinished")
    }
    assert modes == dict.fromkeys(("", "a", "a/b", "unfinished"), 448) | {"a/b/c": 0o600}


def test_threads_write_at_once_and_leave_the_umask(storage: FolderStorage, tmp_path: Path) -> None:
    os.umask(before := os.umask(0o022))
    wanted = {f"{n % 7}/{n % 5}/{n}": b"%d" % n for n in range(300)}

    with ThreadPoolExecutor(4) as pool:
        saved = list(pool.map(lambda name: storage.save(name, ContentFile(wanted[name])), wanted))

    assert saved == list(wanted)
    assert files(tmp_path / "media") == wanted
    assert os.umask(before) == before
