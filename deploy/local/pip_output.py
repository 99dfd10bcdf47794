"""Turns pip's hundreds of lines into the few that a waiting person wants."""

import re
import sys
import threading
import time
from typing import TextIO

# Only downloads of this size are worth a line of their own.
_BIG_MB = 50.0
_TICK_S = 1.0
_UNITS_IN_MB = {"kB": 0.001, "MB": 1.0, "GB": 1000.0}

_COLLECTING = re.compile(r"Collecting (?P<what>[A-Za-z0-9._-]+)")
_DOWNLOADING = re.compile(
    r"\s*Downloading (?:\S*/)?(?P<what>[^\s/-]+)-\S+ \((?P<size>[\d.]+) (?P<unit>[kMG]B)\)"
)
_INSTALLING = re.compile(r"Installing collected packages: (?P<what>.+)")


class Progress:
    """Shows where an installation is: one line that changes on a terminal, few lines elsewhere."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        """Write to ``out``."""
        self._out = out
        self._is_terminal = out.isatty()
        self._begun = time.monotonic()
        self._doing = "asking the package registry"
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> "Progress":
        """Begin to show."""
        if self._is_terminal:
            self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Clear the changing line."""
        self._over.set()
        if self._is_terminal:
            self._ticker.join()
            self._out.write("\r\033[K")
            self._out.flush()

    def read(self, line: str) -> None:
        """Take one line of pip's output."""
        step = describe(line)
        if step is None:
            return
        self._doing = step
        if not self._is_terminal and not step.startswith("looking at"):
            self._out.write(f"  {step}\n")
            self._out.flush()

    def _tick(self) -> None:
        while not self._over.wait(_TICK_S):
            minutes, seconds = divmod(int(time.monotonic() - self._begun), 60)
            self._out.write(f"\r\033[K  {minutes}:{seconds:02d}  {self._doing}")
            self._out.flush()


def describe(line: str) -> str | None:
    """Return what pip is doing in a few words, None when the line tells nothing new."""
    if match := _DOWNLOADING.match(line):
        if float(match["size"]) * _UNITS_IN_MB[match["unit"]] < _BIG_MB:
            return None
        return f"downloading {match['what']} ({match['size']} {match['unit']})"
    if match := _COLLECTING.match(line):
        return f"looking at {match['what']}"
    if match := _INSTALLING.match(line):
        count = match["what"].count(",") + 1
        return f"installing {count} {'package' if count == 1 else 'packages'}"
    return None


def explain(output: str) -> str:
    """Return one sentence on why pip failed, from all that it wrote."""
    if "No space left on device" in output:
        return "The disk is full."
    offline = ("Temporary failure in name resolution", "NewConnectionError", "ConnectTimeoutError")
    if any(sign in output for sign in offline):
        return "The package registry cannot be reached."
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")]
    # The last one names what is missing; those before it list every version there is.
    return errors[-1].removeprefix("ERROR:").strip() if errors else "pip ended without a reason."
