"""A lock that lives exactly as long as the process that holds it, even through kill -9."""

import os
from pathlib import Path

from filelock import FileLock, Timeout

_POLL_S = 0.1


class LockHeld(Exception):
    """Another process holds the lock; `holder` is its process id where it wrote one."""

    def __init__(self, holder: str) -> None:
        """Keep who holds it."""
        super().__init__(holder)
        self.holder = holder


def hold(path: Path, *, wait_s: float = 0.0, passes_exec: bool = False) -> FileLock:
    """Take the lock on ``path`` and note this process in the file, which stays for good.

    The lock is free again when it is released or its process has ended. Children that are started
    do not inherit it.

    Args:
        path: the file that is locked.
        wait_s: how long another holder is waited for.
        passes_exec: whether the program by which this process replaces itself keeps the lock.

    Returns:
        The lock, which releases itself where nobody refers to it any more.

    Raises:
        LockHeld: somebody else still has it after ``wait_s`` seconds.
        OSError: the file cannot be opened, or its file system has no locks.
    """

    def note_holder(descriptor: int) -> None:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        os.set_inheritable(descriptor, passes_exec)

    lock = FileLock(
        path,
        timeout=wait_s,
        poll_interval=_POLL_S,
        mode=0o600,
        thread_local=False,
        # The other kind is a file that a killed process leaves behind.
        fallback_to_soft=False,
        on_acquired=note_holder,
    )
    try:
        lock.acquire()
    except Timeout:
        raise LockHeld(path.read_text(errors="replace").strip() or "unknown") from None
    return lock
