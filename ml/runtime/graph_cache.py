"""Graphs that take long to read from their files: kept as the runtime reads them at once.

What is kept is the network, its weights in float16, not what was compiled of it: compiling takes
0.3 s, and a network that is read back compiled saves half of that and takes twice the memory.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from ml.errors import OutputUnwritable
from ml.output import replaced_files
from ml.runtime.library import core, openvino

logger = logging.getLogger(__name__)

_GRAPH, _WEIGHTS, _DIGESTS = "graph.xml", "graph.bin", "sha256.json"
# Another process that makes the same graph takes about 10 s.
_LOCK_S = 120.0


def default_folder() -> Path:
    """Return the folder of this user's caches that is meant for graphs."""
    return user_cache_path("semblance") / "graphs"


def kept(name: str, read: Callable[[], openvino.Model], *, folder: Path) -> openvino.Model:
    """Return a graph from the folder, or else read it from its own files and keep it there.

    A graph that is damaged there is read anew, which the log says. So it is where the folder cannot
    be written: the graph is then read at each start. Each version of the runtime keeps its own.

    Args:
        name: stands for the graph and its weights' hash.
        read: returns the graph, float32.
        folder: made where missing.

    Raises:
        Exception: whatever `read` raises.
    """
    version = openvino.get_version()
    entry = folder / f"{name}-{hashlib.sha256(version.encode()).hexdigest()[:8]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{entry.name}.lock", timeout=_LOCK_S):
            found = _found(entry)
            if found is not None:
                return found
            if not entry.exists() and any(path.is_dir() for path in folder.glob(f"{name}-*")):
                logger.warning("%s was kept by another version of the runtime: made anew.", name)
            graph = read()
            _write(graph, entry)
    except (OSError, Timeout, OutputUnwritable) as err:
        logger.warning("%s is read at each start: %s cannot be written (%s).", name, folder, err)
        return read()
    return graph


def _found(entry: Path) -> openvino.Model | None:
    """Return the graph that lies in a folder; None where there is none that is whole."""
    if not entry.is_dir():
        return None
    try:
        recorded = json.loads((entry / _DIGESTS).read_text(encoding="utf-8"))
        if recorded == _digests(entry):
            return core.read_model(entry / _GRAPH)
    except (OSError, ValueError, RuntimeError) as err:
        logger.warning("%s cannot be read (%s): it is made anew.", entry, err)
        return None
    logger.warning("%s is damaged: it is made anew.", entry)
    return None


def _write(graph: openvino.Model, entry: Path) -> None:
    """Write a graph, whole or not at all."""
    with replaced_files(entry, (_GRAPH, _WEIGHTS, _DIGESTS)) as scratch:
        openvino.save_model(graph, scratch / _GRAPH, compress_to_fp16=True)
        digests = json.dumps(_digests(scratch))
        (scratch / _DIGESTS).write_text(digests, encoding="utf-8")


def _digests(folder: Path) -> dict[str, str]:
    digests = {}
    for name in (_GRAPH, _WEIGHTS):
        with (folder / name).open("rb") as stream:
            digests[name] = hashlib.file_digest(stream, "sha256").hexdigest()
    return digests
