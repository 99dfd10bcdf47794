"""`manage.py bench`: what it refuses, and that nothing is left running or changed."""

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from bench.builds.checkout import SCRATCH_PREFIX

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "words",
    [
        ["search", "--tries", "0"],
        ["search", "--against", "HEAD", "pictures", "--people", "0"],
        ["pages", "--rounds", "0"],
        ["pages", "--searches", "0"],
        ["pages", "--images", "0"],
        ["pages", "--images", "9", "--tags", "0"],
        ["ingest", "pictures", "--count", "0"],
        ["ingest", "pictures", "--against", "HEAD", "--turns", "0"],
        ["memory", "pictures", "--count", "0"],
        ["memory", "pictures", "--searches", "0"],
        ["stages", "pictures", "--rounds", "0"],
        ["index", "--count", "0"],
        ["index", "--dim", "0"],
    ],
    ids=" ".join,
)
def test_there_is_always_something_to_measure(words: list[str]) -> None:
    with pytest.raises(CommandError, match=f"argument {words[-2]}: 0 is not at least 1"):
        call_command("bench", *words)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["search", "pictures"], "name one with --against"),
        (["search", "nowhere", "--importing"], "There is no picture in nowhere"),
        (["search", "--against", "HEAD"], "Name a folder of pictures that both builds"),
        (["ingest", "nowhere"], "There is no picture in nowhere"),
        (["memory", "nowhere"], "There is no picture in nowhere"),
        (["stages", "nowhere"], "There is no picture in nowhere"),
        (["ingest", "nowhere", "--against", "no-commit"], "There is no commit 'no-commit'"),
        (["memory", "nowhere", "--against", "no-commit"], "There is no commit 'no-commit'"),
        (["search", "nowhere", "--against", "no-commit"], "There is no commit 'no-commit'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_measured_is_said_in_a_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("bench", *words, stdout=io.StringIO())


def test_the_admin_is_timed_over_a_catalogue_of_its_own(tmp_path: Path) -> None:
    words = ["pages", "--images", "40", "--tags", "3", "--rounds", "1"]

    ended = subprocess.run(
        [sys.executable, "manage.py", "bench", *words],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(tmp_path / "data"), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 0, ended.stderr
    assert "40 images, 3 tags; each page 1 times" in ended.stdout
    assert re.search(r"^list of images +\d+ +\d+ +\d+ +5$", ended.stdout, re.MULTILINE)
    assert not list(tmp_path.glob(f"{SCRATCH_PREFIX}*"))
    assert not (tmp_path / "data" / "db.sqlite3").exists()


def test_signals_mean_what_they_meant_before() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]

    with pytest.raises(CommandError):
        call_command("bench", "ingest", "nowhere")

    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_benchmark_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    program = (
        "import sys; sys.path.insert(0, 'platform')\n"
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'\n"
        "import django; django.setup()\n"
        "from bench import ingesting\n"
        "def forever(*_, **__):\n"
        "    print('measuring', flush=True)\n"
        "    sys.stdin.read()\n"
        "ingesting.measure = forever\n"
        "from django.core.management import execute_from_command_line\n"
        "execute_from_command_line(['manage.py', 'bench', 'ingest', 'pictures'])\n"
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    running = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(scratch), "DATA_DIR": str(tmp_path / "data")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout.readline() == "measuring\n"
    assert [path.name.startswith(SCRATCH_PREFIX) for path in scratch.iterdir()] == [True]

    running.send_signal(number)

    _, said = running.communicate(timeout=60)
    assert "Interrupted; what was started has been ended." in said
    assert running.returncode == 1
    assert list(scratch.iterdir()) == []
