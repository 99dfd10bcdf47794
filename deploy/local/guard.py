"""Ends what a killed supervisor leaves behind: child processes and all of their children.

The supervisor starts this file as a process of its own, with a pipe on its standard input, and
writes ``+<process group>`` for each child it starts and ``-<process group>`` for each that ended.
The pipe closes when the supervisor ends, however it ends; groups that are then still listed are
asked to end and, after a short while, killed. A process group outlives its leader, so
grandchildren are reached too, which the kernel's parent-death signal does not do.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

# Long enough for the vector store and the broker to write what they hold; a task that is cut off
# here is delivered again.
GRACE_S = 5.0
_POLL_S = 0.05


class Guard:
    """The supervisor's end of the pipe. Starts the guard again where somebody killed it."""

    def __init__(self) -> None:
        """Guard nothing yet; the process is started with the first group."""
        self._groups: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe = -1

    def add(self, group: int) -> None:
        """End ``group`` if this process dies."""
        self._groups.add(group)
        self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        """Forget ``group``: it has ended."""
        self._groups.discard(group)
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """End the guard, and with it every group that it still lists."""
        if self._process is not None:
            os.close(self._pipe)
            self._process.wait()
            self._process = None

    def _tell(self, line: str) -> None:
        if self._process is not None:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._pipe, line.encode())
                return
            self.close()
        self._launch()
        os.write(self._pipe, "".join(f"+{group}\n" for group in self._groups).encode())

    def _launch(self) -> None:
        # Isolated and without site-packages: it starts in some 15 ms and keeps some 7 MB.
        argv = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
        far_end, self._pipe = os.pipe()
        self._process = subprocess.Popen(  # noqa: S603  # this very file
            argv, stdin=far_end, start_new_session=True
        )
        os.close(far_end)


def _end(groups: Iterable[int]) -> None:
    left = {group for group in groups if _send(group, signal.SIGTERM)}
    deadline = time.monotonic() + GRACE_S
    while left and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        left = {group for group in left if _send(group, 0)}
    for group in left:
        _send(group, signal.SIGKILL)


def _send(group: int, number: int) -> bool:
    """Signal a process group; False when nothing of it is left."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main() -> None:
    """Follow the supervisor's list until its pipe closes, then end what is on it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    _end(groups)


if __name__ == "__main__":
    main()
