"""How many processes of the workers this machine's cores and memory are enough for."""

import os
from collections.abc import Callable
from pathlib import Path

import psutil

from config.env import Env
from deploy.local.preflight import MEBIBYTE

# The searches of a process share its models, which take one batch at a time, and Python's lock; but
# what one process has read of a query the others read again. More than a few are asked for by hand.
_CORES_A_QUERY_PROCESS = 8
_MAX_USUAL_QUERY_PROCESSES = 4
_QUERY_PROCESS_BYTES = 512 * MEBIBYTE
# Two share the cores of a CPU: while one decodes, writes or waits, the other embeds.
_USUAL_BULK_PROCESSES = 2
# All parts take some 1.5 GiB with the packaged models and one query process, of it 0.3 a bulk
# process; a batch of large pictures takes 0.4 more.
_ENOUGH_BYTES = 2560 * MEBIBYTE
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
_CONTAINER_USED = Path("/sys/fs/cgroup/memory.current")


def query_processes(
    env: Env,
    *,
    say: Callable[[str], None],
    available_bytes: Callable[[], int] | None = None,
    cores: int | None = None,
) -> int:
    """Return what QUERY_PROCESSES asks for; where it is not set, one for eight cores, if they fit.

    Args:
        env: the product's environment.
        say: told in a sentence where memory is short for what is asked for.
        available_bytes: returns the memory that can be had without swapping.
        cores: of this machine.
    """
    available = (available_bytes or memory_available)()
    fitting = 1 + max(0, available - _ENOUGH_BYTES) // _QUERY_PROCESS_BYTES
    wanted = env.worker.query_processes
    if wanted is None:
        by_cores = (cores or os.cpu_count() or 1) // _CORES_A_QUERY_PROCESS
        return max(1, min(by_cores, _MAX_USUAL_QUERY_PROCESSES, fitting))
    if wanted > fitting:
        say(f"{_free(available)}: should parts end for lack of it, set QUERY_PROCESSES={fitting}")
    return wanted


def bulk_processes(
    env: Env,
    *,
    say: Callable[[str], None],
    query_processes: int = 1,
    available_bytes: Callable[[], int] | None = None,
) -> int:
    """Return what BULK_PROCESSES asks for; two where it is not set, one where memory is short.

    Args:
        env: the product's environment.
        say: told in a sentence where memory is short.
        query_processes: how many answer searches.
        available_bytes: returns the memory that can be had without swapping.
    """
    available = (available_bytes or memory_available)()
    wanted = env.worker.bulk_processes
    if available >= _ENOUGH_BYTES + (query_processes - 1) * _QUERY_PROCESS_BYTES:
        return _USUAL_BULK_PROCESSES if wanted is None else wanted
    free = _free(available)
    if wanted is not None and wanted > 1:
        say(f"{free}: should parts end for lack of it, set BULK_PROCESSES=1")
        return wanted
    say(f"{free}: pictures are indexed by one process instead of two, at half the pace")
    return 1


def _free(available: int) -> str:
    return f"only {available // MEBIBYTE} MiB of memory are free"


def memory_available() -> int:
    """Return the bytes that this machine, or the container that we are in, can still give."""
    available: int = psutil.virtual_memory().available
    try:
        limit, used = (int(path.read_text()) for path in (_CONTAINER_LIMIT, _CONTAINER_USED))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return available
    return min(available, max(0, limit - used))
