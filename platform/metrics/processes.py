"""The memory of this product's processes, as Linux tells it."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_KIBIBYTE = 1024
# What a command line says of its process: the first that is found in it.
_ROLES = (
    (re.compile(r"--hostname[ =](\w+)@"), None),  # a Celery worker, by its name
    (re.compile(r"\bworkers\.maintenance\b"), "maintenance"),
    (re.compile(r"\bgunicorn\b"), "web"),
    (re.compile(r"\bvectors\.edge\b"), "vectors"),
    (re.compile(r"\bvalkey"), "broker"),
    (re.compile(r"\bguard\.py\b"), "guard"),
    (re.compile(r"\bdeploy\.local$"), "supervisor"),
    (re.compile(r"-m ([\w.]+)"), None),
)


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """A process and its memory.

    Attributes:
        role: what it is in the product; one of several of a kind is its parent's child.
        rss_bytes: resident, shared pages in full.
        pss_bytes: resident, of pages that several processes share its part only.
    """

    role: str
    rss_bytes: int
    pss_bytes: int


def product_memory(supervisor_pid: int, *, proc: Path = _PROC) -> list[ProcessMemory]:
    """Return the memory of a process and all that descend from it, each before its children.

    Args:
        supervisor_pid: the process.
        proc: where the kernel tells of processes.
    """
    parents = _parents(proc)
    pids = list(_family(supervisor_pid, parents))
    roles = {pid: role_of(_command_line(proc, pid)) for pid in pids}
    measured = []
    for pid in pids:
        is_child = pid != supervisor_pid and roles[parents[pid]] == roles[pid]
        name = f"{roles[pid]}, child" if is_child else roles[pid]
        memory = _memory(proc, pid)
        if memory is not None:
            measured.append(ProcessMemory(name, *memory))
    return measured


def top_process(supervisor_lock: Path, *, otherwise: int, proc: Path = _PROC) -> int:
    """Return the supervisor's process id, where this process descends from one.

    Args:
        supervisor_lock: the file in which the supervisor notes its id, which stays after it.
        otherwise: what is returned where each part was started by somebody else.
        proc: where the kernel tells of processes.
    """
    noted = _read(supervisor_lock).strip()
    parents = _parents(proc)
    pid = os.getpid()
    while pid in parents:
        pid = parents[pid]
        if str(pid) == noted:
            return pid
    return otherwise


def role_of(command_line: str) -> str:
    """Return what a process of the product is, by its command line."""
    for pattern, role in _ROLES:
        found = pattern.search(command_line)
        if found:
            return role or found[1]
    return Path(command_line.partition(" ")[0]).name or "?"


def _parents(proc: Path) -> dict[int, int]:
    """Return each process's parent; nothing where the system tells of processes otherwise."""
    parents: dict[int, int] = {}
    if not proc.is_dir():
        return parents
    for folder in proc.iterdir():
        if folder.name.isdigit():
            status = _read(folder / "status")
            found = re.search(r"^PPid:\s*(\d+)", status, re.MULTILINE)
            if found:
                parents[int(folder.name)] = int(found[1])
    return parents


def _family(pid: int, parents: Mapping[int, int]) -> Iterator[int]:
    """Give a process and all that descend from it, the elder children first."""
    yield pid
    for child in sorted(child for child, parent in parents.items() if parent == pid):
        yield from _family(child, parents)


def _command_line(proc: Path, pid: int) -> str:
    return _read(proc / str(pid) / "cmdline").replace("\0", " ").strip()


def _memory(proc: Path, pid: int) -> tuple[int, int] | None:
    """Return resident and proportional bytes; None where the process has ended meanwhile."""
    rollup = _read(proc / str(pid) / "smaps_rollup")
    sizes = dict(re.findall(r"^(Rss|Pss):\s*(\d+) kB", rollup, re.MULTILINE))
    if len(sizes) < 2:  # noqa: PLR2004  # both of them
        return None
    return int(sizes["Rss"]) * _KIBIBYTE, int(sizes["Pss"]) * _KIBIBYTE


def _read(path: Path) -> str:
    """Return a file's text; empty where it is another account's, or its process has ended."""
    try:
        return path.read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""
