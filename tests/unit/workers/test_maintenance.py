"""What is done again and again, in threads of this process."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deploy.local.health import touched_lately
from workers import maintenance
from workers.maintenance import Duty, run

ROOT = Path(__file__).resolve().parents[3]


def wait_until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.005)
    return holds()


@pytest.fixture
def started(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Path]]:
    """Run duties in a thread; returns the file that says that they go on."""
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(maintenance, "_SIGN_EVERY_S", 0.01)
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def start(*duties: Duty) -> Path:
        threads.append(threading.Thread(target=run, args=(duties, ended)))
        threads[0].start()
        return tmp_path / "run" / "maintenance"

    yield start
    ended.set()
    threads[0].join(timeout=5)
    assert not threads[0].is_alive()


def test_a_round_that_fails_keeps_neither_the_next_nor_other_duties(
    started, caplog: pytest.LogCaptureFixture
) -> None:
    rounds: list[str] = []

    def fail() -> None:
        rounds.append("fails")
        raise OSError("the database is away")

    started(
        Duty(fail, every_s=0.01),
        Duty(lambda: rounds.append("works"), every_s=0.01),
    )

    assert wait_until(lambda: min(rounds.count("fails"), rounds.count("works")) > 2)
    assert {line.message for line in caplog.records} == {"maintenance failed"}


def test_a_round_that_takes_long_holds_no_other_duty_up(started) -> None:
    is_over, rounds = threading.Event(), []
    started(
        Duty(lambda: is_over.wait(5), every_s=0.01), Duty(lambda: rounds.append(1), every_s=0.01)
    )

    assert wait_until(lambda: len(rounds) > 2)
    is_over.set()


def test_it_says_that_it_lives_until_a_round_hangs(started) -> None:
    hangs, is_over = threading.Event(), threading.Event()

    def work() -> None:
        if hangs.is_set():
            is_over.wait(5)

    slow = Duty(partial(is_over.wait, 5), every_s=0.01, longest_s=None)  # may take as long
    duty = Duty(work, every_s=0.01, longest_s=0.05)
    probe = touched_lately(started(duty, slow), within_s=0.3)()

    assert wait_until(probe)
    time.sleep(0.4)
    assert probe()
    hangs.set()
    assert wait_until(lambda: not probe())
    is_over.set()


def test_nothing_lives_where_no_file_is(tmp_path: Path) -> None:
    assert not touched_lately(tmp_path / "none", within_s=60)()()


def test_the_process_begins_and_knows_what_it_removes(tmp_path: Path) -> None:
    code = "import workers.maintenance, django.contrib.sessions.models as m; print(m.Session)"

    began = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DATA_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )

    assert began.returncode == 0, began.stderr
    assert "Session" in began.stdout
