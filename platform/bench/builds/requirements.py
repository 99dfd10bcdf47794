"""Do the packages of this interpreter suit what another commit asks for?"""

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_MAIN, _PACKAGED_WEIGHTS = "requirements.txt", "requirements-offline.txt"
_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?==(?P<version>[^\s;#]+)\s*(#.*)?")
# The same library built without a display: the set-up takes it where there is no libGL.
_STAND_INS = {"opencv-python": "opencv-python-headless"}


def unmet(root: Path) -> list[str]:
    """Return what the requirement files in a folder ask for and this interpreter does not have.

    The packaged weights count only where some of them are installed: the set-up leaves them out
    where others can be had. What serves development does not count.

    Returns:
        Their lines, as they stand there; empty where everything suits. A line that is no pin
        (`name==version`) is among them: nothing can be said of it.
    """
    lines = _lines(root / _MAIN)
    weights = _lines(root / _PACKAGED_WEIGHTS)
    if any(_is_met(line) for line in weights):
        lines += weights
    return [line for line in lines if not _is_met(line)]


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    lines = (line.strip() for line in path.read_text().splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _is_met(line: str) -> bool:
    pin = _PIN.fullmatch(line)
    if pin is None:
        return False
    name = pin["name"].lower()
    installed = {_installed(name), _installed(_STAND_INS.get(name, name))} - {None}
    # A pin without a local part (+cpu) is met by every build of its version (PEP 440).
    return any(pin["version"] in {each, str(each).partition("+")[0]} for each in installed)


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
