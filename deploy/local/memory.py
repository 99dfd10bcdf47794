"""How many processes of the bulk worker fit into this machine's memory."""

from collections.abc import Callable
from pathlib import Path

import psutil

from config.env import Env
from deploy.local.preflight import MEBIBYTE

# Two share the cores of a CPU: while one decodes, writes or waits, the other embeds.
_USUAL_PROCESSES = 2
# All parts take some 1.5 GiB with the packaged models, of it 0.3 a bulk process; a batch of large
# pictures takes 0.4 more.
_ENOUGH_BYTES = 2560 * MEBIBYTE
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
_CONTAINER_USED = Path("/sys/fs/cgroup/memory.current")


def bulk_processes(
    env: Env, *, say: Callable[[str], None], available_bytes: Callable[[], int] | None = None
) -> int:
    """Return what BULK_PROCESSES asks for; two where it is not set, one where memory is short.

    Args:
        env: the product's environment.
        say: told in a sentence where memory is short.
        available_bytes: returns the memory that can be had without swapping.
    """
    available = (available_bytes or memory_available)()
    wanted = env.worker.bulk_processes
    if available >= _ENOUGH_BYTES:
        return _USUAL_PROCESSES if wanted is None else wanted
    free = f"only {available // MEBIBYTE} MiB of memory are free"
    if wanted is not None and wanted > 1:
        say(f"{free}: should parts end for lack of it, set BULK_PROCESSES=1")
        return wanted
    say(f"{free}: pictures are indexed by one process instead of two, at half the pace")
    return 1


def memory_available() -> int:
    """Return the bytes that this machine, or the container that we are in, can still give."""
    available: int = psutil.virtual_memory().available
    try:
        limit, used = (int(path.read_text()) for path in (_CONTAINER_LIMIT, _CONTAINER_USED))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return available
    return min(available, max(0, limit - used))
