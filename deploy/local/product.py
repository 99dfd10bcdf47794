"""The product as one thing: checked, locked, started, and ended again."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from config.env import Env
from deploy.local.broker import private_folder
from deploy.local.errors import CannotStart
from deploy.local.locks import LockHeld, hold
from deploy.local.memory import bulk_processes, query_processes
from deploy.local.preflight import MEBIBYTE, check
from deploy.local.processes import ROOT, build
from deploy.local.supervisor import Supervisor

# Below this, uploads and the broker's file begin to fail.
_FLOOR_BYTES = 300 * MEBIBYTE
# A supervisor that is just stopping, or was killed, has let go by then.
_LOCK_WAIT_S = 2.0


@contextlib.contextmanager
def locked(env: Env, *, wait_s: float = _LOCK_WAIT_S) -> Iterator[None]:
    """Be the only supervisor of this data folder.

    Raises:
        CannotStart: another one runs, or the folder cannot be used.
    """
    folder = env.data_dir / "run"
    try:
        private_folder(folder)
        lock = hold(folder / "supervisor.lock", wait_s=wait_s)
    except LockHeld as held:
        raise CannotStart(
            f"Semblance already runs on {env.data_dir} (process {held.holder}); "
            "end that one or choose another DATA_DIR."
        ) from None
    except OSError as error:
        raise CannotStart(f"{folder} cannot be used: {error.strerror}.") from None
    try:
        yield
    finally:
        lock.release()


def supervise(env: Env, *, say: Callable[[str], None] = lambda sentence: None) -> Supervisor:
    """Return the product's supervisor, not started.

    Raises:
        CannotStart: a port is taken, the disk is full, or a part elsewhere does not answer.
    """
    check(env)
    queries = query_processes(env, say=say)
    bulk = bulk_processes(env, say=say, query_processes=queries)
    return Supervisor(
        build(env, query_processes=queries, bulk_processes=bulk),
        log_folder=env.data_dir / "logs",
        cwd=ROOT,
        environ=environment(),
        say=say,
        look_after=DiskWatch(env.data_dir, say).look,
    )


def environment() -> Mapping[str, str]:
    """Return this process's variables with the source roots on Python's path."""
    path = os.pathsep.join([str(ROOT / "platform"), str(ROOT)])
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


class DiskWatch:
    """Says once that the disk fills up, and again only after there was room in between."""

    def __init__(
        self,
        folder: Path,
        say: Callable[[str], None],
        *,
        floor_bytes: int = _FLOOR_BYTES,
    ) -> None:
        """Watch the disk that holds ``folder``."""
        self._folder = folder
        self._say = say
        self._floor_bytes = floor_bytes
        self._was_low = False

    def look(self) -> None:
        """Compare the free space with the floor."""
        free_bytes = shutil.disk_usage(self._folder).free
        is_low = free_bytes < self._floor_bytes
        if is_low and not self._was_low:
            self._say(
                f"only {free_bytes // MEBIBYTE} MiB are left for {self._folder}: "
                "uploads and indexing will fail until there is room"
            )
        self._was_low = is_low
