from importlib.metadata import version
from pathlib import Path

import pytest

from bench.builds.requirements import unmet

HAS = f"pytest=={version('pytest')}"
HAS_TOO = f"Django=={version('django')}"


@pytest.fixture
def asked(tmp_path: Path):
    def ask(main: list[str], offline: list[str] | None = None) -> list[str]:
        (tmp_path / "requirements.txt").write_text("\n".join(main))
        if offline is not None:
            (tmp_path / "requirements-offline.txt").write_text("\n".join(offline))
        return unmet(tmp_path)

    return ask


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# a comment",
        HAS,
        f"  {HAS}  ",
        f"{HAS}  # why",
        HAS_TOO,
        HAS_TOO.replace("==", "[argon2]=="),
        HAS.upper(),
    ],
)
def test_what_is_installed_suits(asked, line: str) -> None:
    assert asked([line, HAS]) == []


@pytest.mark.parametrize(
    "line",
    ["pytest==0.1", f"{HAS}.1", "nobody-has-this==1", "pytest>=1", "-r others.txt", "pytest"],
)
def test_what_does_not_suit_is_named(asked, line: str) -> None:
    assert asked([HAS, line, HAS_TOO]) == [line]


@pytest.fixture
def site_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Installs packages of any name and version, as far as anybody asks for that."""

    def install(name: str, version: str) -> None:
        folder = tmp_path / "site" / f"{name}-{version}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}")
        monkeypatch.syspath_prepend(tmp_path / "site")

    return install


def test_a_build_for_other_hardware_is_the_same_version(asked, site_packages) -> None:
    site_packages("made_torch", "9.8+cpu")

    assert asked(["made-torch==9.8"]) == []
    assert asked(["made-torch==9.8+cpu"]) == []
    assert asked(["made-torch==9.8+cu130"]) == ["made-torch==9.8+cu130"]


def test_opencv_without_a_display_stands_in(asked, site_packages) -> None:
    site_packages("opencv_python_headless", "0.0.1")

    assert asked(["opencv-python==0.0.1", "opencv-python==0.0.2"]) == ["opencv-python==0.0.2"]


def test_packaged_weights_count_where_some_are_installed(asked) -> None:
    assert asked([HAS], ["nobody-has-this==1"]) == []
    assert asked([HAS], ["nobody-has-this==1", HAS_TOO]) == ["nobody-has-this==1"]


def test_nothing_is_asked_for_without_files(tmp_path: Path) -> None:
    assert unmet(tmp_path) == []
