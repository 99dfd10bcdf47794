"""The client is a package that can be installed by itself."""

import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from semblance_client import __version__

CLIENT = Path(__file__).parents[3] / "client"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel that `pip install ./client` makes, built with what is here: nothing is fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "client"
    source.mkdir()
    for file in [CLIENT / "pyproject.toml", CLIENT / "README.md"]:
        (source / file.name).write_bytes(file.read_bytes())
    for file in (CLIENT / "semblance_client").rglob("*"):
        if file.suffix in {".py", ".typed"}:
            copy = source / file.relative_to(CLIENT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    build = "from setuptools.build_meta import build_wheel; build_wheel('..')"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


def test_the_package_has_every_module_and_its_types(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}

    kinds = ("*.py", "py.typed")
    files = {
        str(file.relative_to(CLIENT))
        for kind in kinds
        for file in (CLIENT / "semblance_client").rglob(kind)
    }
    assert packed == files


def test_the_package_says_what_it_needs_and_which_command_it_brings(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        said = message_from_bytes(archive.read(metadata))
        (scripts,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        commands = archive.read(scripts).decode()

    assert (said["Name"], said["Version"]) == ("semblance-client", __version__)
    assert said.get_all("Requires-Dist") == ["httpx<1,>=0.27"]
    assert said["Requires-Python"] == ">=3.11"
    assert "semblance = semblance_client.command.main:run" in commands


def test_the_packed_command_runs_by_itself(wheel, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "semblance_client", "--version"],
        env={"PYTHONPATH": str(wheel), "PATH": "/usr/bin"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert (ran.returncode, ran.stdout) == (0, f"semblance-client {__version__}\n"), ran.stderr
