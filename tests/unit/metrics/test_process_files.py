"""Figures of several real processes: each a Python of its own that counts as the product does."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metrics import process_files
from metrics.process_files import ProcessFiles

ROOT = Path(__file__).resolve().parents[3]
COUNTING = """
import sys
from pathlib import Path
from metrics.process_files import ProcessFiles

files = ProcessFiles(Path(sys.argv[1]))
files.count_here()
from prometheus_client import Counter, Gauge, Histogram

asked = Counter("asked", "Asked.", ("view",))
working = Gauge("working", "In progress.", multiprocess_mode="livesum")
took = Histogram("took_seconds", "Took.", buckets=(1, 5))
working.inc()
for line in sys.stdin:
    asked.labels("page").inc()
    took.observe(float(line))
    print(files.slot(), flush=True)
"""


class Counting:
    """A process that counts one request a line."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", COUNTING, str(folder)],
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def count(self, seconds: float) -> int:
        """Count a request; return the process's slot."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Counting]]:
    started: list[Counting] = []

    def start() -> Counting:
        started.append(Counting(tmp_path))
        return started[-1]

    yield start
    for each in started:
        each.kill()


def figures(folder: Path) -> dict[str, float]:
    """What is shown, without labels but for the buckets' limits."""
    return {
        sample.name + (f" {sample.labels['le']}" if "le" in sample.labels else ""): sample.value
        for metric in ProcessFiles(folder).collect()
        for sample in metric.samples
    }


def test_processes_that_run_side_by_side_add_up(
    tmp_path: Path, start: Callable[[], Counting]
) -> None:
    one, two = start(), start()

    slots = {one.count(0.5), two.count(3), two.count(9)}

    assert slots == {0, 1}
    assert figures(tmp_path) == {
        "asked_total": 3,
        "working": 2,
        "took_seconds_sum": 12.5,
        "took_seconds_count": 3,
        "took_seconds_bucket 1.0": 1,
        "took_seconds_bucket 5.0": 2,
        "took_seconds_bucket +Inf": 3,
    }


def test_what_a_killed_process_counted_stays_and_what_it_had_in_progress_goes(
    tmp_path: Path, start: Callable[[], Counting]
) -> None:
    one, two = start(), start()
    one.count(1)
    two.count(1)

    one.kill()

    assert (figures(tmp_path)["asked_total"], figures(tmp_path)["working"]) == (2, 1)


def test_restarts_leave_no_files_behind_and_no_sum_ever_falls(
    tmp_path: Path, start: Callable[[], Counting]
) -> None:
    sums = []
    for _ in range(3):
        process = start()
        process.count(1)
        process.kill()
        sums.append(figures(tmp_path)["asked_total"])

    assert sums == [1, 2, 3]
    assert {path.name for path in tmp_path.iterdir()} == {
        *("0.lock", "counter_0.db", "histogram_0.db"),
    }


def test_a_fork_has_a_slot_of_its_own_and_its_parent_keeps_its_slot(tmp_path: Path) -> None:
    files = ProcessFiles(tmp_path)
    parent = files.slot()
    pid = os.fork()
    if pid == 0:
        os._exit(files.slot())
    _, status = os.waitpid(pid, 0)

    assert (parent, os.waitstatus_to_exitcode(status), files.slot()) == (0, 1, 0)
    assert ProcessFiles(tmp_path).slot() == 1  # the child's is free again, the parent's is not


def test_a_file_that_a_power_cut_damaged_begins_anew(
    tmp_path: Path, start: Callable[[], Counting]
) -> None:
    first = start()
    first.count(1)
    first.kill()
    file = tmp_path / "counter_0.db"
    data = bytearray(file.read_bytes())
    data[8:12] = b"\xff\xff\xff\x7f"  # the length of the first key
    file.write_bytes(data)

    start().count(1)

    assert figures(tmp_path)["asked_total"] == 1
    assert figures(tmp_path)["took_seconds_count"] == 2


def test_files_have_their_room_before_they_are_mapped_and_are_private(
    tmp_path: Path, start: Callable[[], Counting]
) -> None:
    folder = tmp_path / "figures"
    ProcessFiles(folder).slot()

    files = [folder / f"{kind}_0.db" for kind in ("counter", "histogram", "gauge_livesum")]
    assert [file.stat().st_blocks * 512 >= 512 * 1024 for file in files] == [True] * 3
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_without_a_free_slot_there_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_files, "_MAX_SLOTS", 1)
    holder = ProcessFiles(tmp_path)
    holder.slot()

    with pytest.raises(OSError, match="no slot"):
        ProcessFiles(tmp_path).slot()


COUNTS_ALONE = """
from workers.bootstrap import start_django
start_django()
from metrics.definitions import PICTURES_INDEXED, counted
PICTURES_INDEXED.inc()
print({sample.name: sample.value for metric in counted() for sample in metric.samples}[
    "semblance_pictures_indexed_total"
])
"""


def test_where_figures_cannot_be_shared_the_process_works_on(tmp_path: Path) -> None:
    (tmp_path / "no folder").write_text("")
    env = os.environ | {
        "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}",
        "DATA_DIR": str(tmp_path),
        "METRICS_TOKEN": "a-token-of-this-test",
        "METRICS_DIR": str(tmp_path / "no folder"),
    }
    del env["DJANGO_SETTINGS_MODULE"]

    done = subprocess.run(
        [sys.executable, "-c", COUNTS_ALONE], env=env, capture_output=True, text=True
    )

    assert (done.stdout, done.returncode) == ("1.0\n", 0)
    assert "this process's figures are kept from others" in done.stderr
