"""What is looked at before a start and while it runs, each with its sentence."""

import os
import stat
from pathlib import Path

import pytest

from deploy.local.children import describe_exit, shorten
from deploy.local.errors import CannotStart
from deploy.local.preflight import check_data_dir
from deploy.local.product import DiskWatch
from deploy.local.supervisor import Restarts


def test_restarts_wait_twice_as_long_each_time_up_to_the_limit() -> None:
    delays_s = [Restarts().delay_s(deaths) for deaths in (1, 2, 3, 4, 5, 6, 7, 5000)]
    assert delays_s == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_data_folder_is_made(tmp_path: Path) -> None:
    check_data_dir(tmp_path / "a" / "var", min_free_bytes=0)
    assert list((tmp_path / "a" / "var").iterdir()) == []


def test_a_data_folder_is_closed_to_other_accounts(tmp_path: Path) -> None:
    open_to_all = tmp_path / "var"
    open_to_all.mkdir()
    open_to_all.chmod(0o755)

    check_data_dir(open_to_all, min_free_bytes=0)
    check_data_dir(tmp_path / "new", min_free_bytes=0)

    assert [stat.S_IMODE(path.stat().st_mode) for path in (open_to_all, tmp_path / "new")] == [
        0o700,
        0o700,
    ]


@pytest.mark.skipif(os.getuid() != 0, reason="needs another account's folder")
def test_another_accounts_data_folder_has_to_be_closed(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir()
    os.chown(folder, 12345, -1)
    folder.chmod(0o755)
    with pytest.raises(CannotStart, match=r"belongs to another account and is open to all"):
        check_data_dir(folder, min_free_bytes=0)

    folder.chmod(0o770)
    check_data_dir(folder, min_free_bytes=0)


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart) as raised:
        check_data_dir(tmp_path / "file" / "var")
    assert str(raised.value) == (
        f"The data folder {tmp_path}/file/var cannot be written to (Not a directory); "
        "choose another with DATA_DIR=/some/folder."
    )


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        CannotStart, match=r"Only \d+ MiB are free for .*, and at least 1099511627776 MiB"
    ):
        check_data_dir(tmp_path, min_free_bytes=2**60)


def test_a_disk_that_fills_up_is_told_once(tmp_path: Path) -> None:
    said: list[str] = []
    low = DiskWatch(tmp_path, said.append, floor_bytes=2**60)
    low.look()
    low.look()
    DiskWatch(tmp_path, said.append, floor_bytes=0).look()
    assert len(said) == 1
    assert said[0].endswith(
        f"MiB are left for {tmp_path}: uploads and indexing will fail until there is room"
    )


def test_a_long_log_is_emptied_in_place_and_kept_once(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("ab") as child:
        child.write(b"old line\n" * 100)
        child.flush()
        shorten(log, limit_bytes=500)
        child.write(b"new line\n")
        child.flush()
        shorten(log, limit_bytes=500)
    assert log.read_bytes() == b"new line\n"
    assert (tmp_path / "web.log.1").read_bytes() == b"old line\n" * 100
    assert {path.name for path in tmp_path.iterdir()} == {"web.log", "web.log.1"}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit code 0"),
        (3, "exit code 3"),
        (-15, "killed by SIGTERM"),
        (-9, "killed by SIGKILL, perhaps for want of memory"),
    ],
)
def test_an_exit_is_described(code: int, words: str) -> None:
    assert describe_exit(code) == words
