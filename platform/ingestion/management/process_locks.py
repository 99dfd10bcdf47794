"""Which imports a process of this machine runs: a lock that ends with the process, however it does.

The database cannot tell a process that is slow from one that was killed.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings


@contextmanager
def running_here(import_id: UUID) -> Iterator[None]:
    """Say that this process runs an import."""
    path = _path(import_id)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)  # another run of the same is fenced by its number
        yield
    path.unlink(missing_ok=True)


def was_killed_here(import_id: UUID) -> bool:
    """Whether a process of this machine ran an import, and is gone without having said so."""
    try:
        with _path(import_id).open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (FileNotFoundError, BlockingIOError):
        return False
    return True


def _path(import_id: UUID) -> Path:
    return settings.DATA_DIR / "run" / "imports" / str(import_id)
