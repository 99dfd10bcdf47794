"""A lock that lives exactly as long as the process that holds it, even through kill -9."""

import fcntl
import os
import time
from pathlib import Path

_POLL_S = 0.1


class LockHeld(Exception):
    """Another process holds the lock; `holder` is its process id where it wrote one."""

    def __init__(self, holder: str) -> None:
        """Keep who holds it."""
        super().__init__(holder)
        self.holder = holder


def hold(path: Path, *, wait_s: float = 0.0) -> int:
    """Take the lock on ``path`` and return its file descriptor, closed on exec.

    The lock is free again when every copy of the descriptor is closed, so a process that inherits
    it keeps it. The file itself stays.

    Raises:
        LockHeld: somebody else still has it after ``wait_s`` seconds.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = os.read(descriptor, 32).decode(errors="replace").strip()
                os.close(descriptor)
                raise LockHeld(holder or "unknown") from None
            time.sleep(_POLL_S)
        else:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
            return descriptor
