"""The systemd units: what they run, and what systemd itself says of them."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from config.env import read_env
from deploy.local.processes import build
from tests.unit.deploy.commands import of_process, without_own

FOLDER = Path(__file__).resolve().parents[3] / "deploy" / "systemd"
PYTHON = "/opt/semblance/.venv/bin/python"
UNITS = sorted(path.name for path in FOLDER.glob("*.service"))

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine"
)


def settings(name: str) -> dict[str, list[str]]:
    """Return what a unit sets, each key with its values; lines that go on are joined."""
    text = (FOLDER / name).read_text(encoding="utf-8").replace("\\\n", " ")
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def processes():
    return {process.name: process for process in build(read_env())}


def unit_of(process_name: str) -> str:
    return f"semblance-{process_name.replace('_', '-')}.service"


def test_every_part_has_a_unit() -> None:
    assert {unit_of(name) for name in processes()} - set(UNITS) == set()


@pytest.fixture(autouse=True)
def everything_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BROKER_URL", "QDRANT_URL", "VECTORS_PORT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "part",
    ["prepare_database", "broker", "vectors", "prepare", "query", "bulk", "maintenance", "web"],
)
def test_a_unit_runs_what_the_supervisor_runs(part: str) -> None:
    expected = of_process(processes()[part])
    (command,) = settings(unit_of(part))["ExecStart"]
    found = shlex.split(command.replace("%%", "%"))

    assert found[0] == PYTHON
    assert without_own(["python", *found[1:]]) == expected.argv


@pytest.mark.parametrize("part", ["query", "bulk", "web"])
def test_a_part_is_given_the_same_variables(part: str) -> None:
    expected = of_process(processes()[part]).variables
    given = dict(
        pair.split("=", 1)
        for line in settings(unit_of(part))["Environment"]
        for pair in line.split()
    )

    own = {"WEB_HOST", "WEB_PORT", "WEB_TRUSTED_PROXY"} if part == "web" else set()
    assert given.keys() == expected.keys() | own
    same = ("OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX")
    assert {name: given[name] for name in same} == {name: expected[name] for name in same}


@pytest.mark.parametrize("part", ["vectors", "query", "bulk", "web"])
def test_a_unit_has_as_long_to_end_as_under_the_supervisor(part: str) -> None:
    process = processes()[part]

    assert settings(unit_of(part))["TimeoutStopSec"] == [f"{process.stop_timeout_s:.0f}"]
    assert settings(unit_of(part)).get("Nice", ["0"]) == [str(process.niceness)]


def test_every_queue_has_a_worker() -> None:
    commands = " ".join(settings(name)["ExecStart"][0] for name in UNITS)

    assert sorted(re.findall(r"--queues (\S+)", commands)) == ["bulk,maintenance", "query"]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units in a folder of their own, with a program that is there instead of the product's."""
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    for path in tmp_path.glob("*.service"):
        path.write_text(path.read_text().replace(PYTHON, shutil.which("true") or ""))
    return tmp_path


def analyze(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments],
        env={"SYSTEMD_UNIT_PATH": f"{folder}:", "PATH": "/usr/bin:/bin", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )


@needs_systemd
def test_systemd_has_nothing_to_say(installed: Path) -> None:
    units = [str(path) for path in (*installed.glob("*.service"), *installed.glob("*.target"))]

    done = analyze(installed, "verify", *units)

    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


@needs_systemd
def test_what_the_units_have_in_common_is_read(installed: Path) -> None:
    """A drop-in under a name that systemd does not look for would shut nothing in."""
    with (installed / "semblance-.service.d" / "common.conf").open("a") as file:
        file.write("Nonsense=1\n")

    done = analyze(installed, "verify", str(installed / "semblance-web.service"))

    assert "Unknown key 'Nonsense'" in done.stderr


@needs_systemd
@pytest.mark.parametrize("name", UNITS)
def test_little_of_the_machine_is_within_reach(installed: Path, name: str) -> None:
    done = analyze(installed, "security", "--offline=true", "--threshold=25", str(installed / name))

    assert done.returncode == 0, done.stdout.splitlines()[-1]
