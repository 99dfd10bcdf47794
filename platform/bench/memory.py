"""`manage.py bench memory`: what each process of the product holds after work, and its starts.

Builds are looked at one after another, never side by side: they would share pages.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.builds.checkout import Build, Say
from bench.builds.product import Product, ingest, running
from bench.edits import half_mirrored_jpeg60
from bench.pictures import write_pictures
from bench.visitor import Visitor

_PROC = Path("/proc")
_KIBIBYTE = 1024
_SEED = 0
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


@dataclass(frozen=True, slots=True)
class MemoryFigures:
    """A build after work.

    Attributes:
        name: of the build.
        first_ready_s: seconds until it was ready, in an empty folder.
        second_ready_s: the same at its next start.
        indexed: pictures.
        processes: each before its children.
    """

    name: str
    first_ready_s: float
    second_ready_s: float
    indexed: int
    processes: tuple[ProcessMemory, ...]

    @property
    def rss_bytes(self) -> int:
        """Of all processes."""
        return sum(process.rss_bytes for process in self.processes)

    @property
    def pss_bytes(self) -> int:
        """Of all processes: the memory that the product takes."""
        return sum(process.pss_bytes for process in self.processes)


def measure(
    builds: Sequence[Build], source: Path, scratch: Path, *, count: int, searches: int, say: Say
) -> list[MemoryFigures]:
    """Start each build's product in turn, have it work, look at its memory, and start it again.

    Args:
        builds: one after another.
        source: a folder of pictures.
        scratch: an empty folder.
        count: pictures to ingest.
        searches: how many follow, with edited copies, one after another.
        say: is told which build is at work.

    Raises:
        ValueError: `source` has too few pictures.
        RuntimeError: a product did not come up, or failed.
    """
    pictures = scratch / "pictures"
    write_pictures(source, pictures, count=count)
    measured = []
    for number, build in enumerate(builds):
        say(f"{build.name}: starting, indexing {count} pictures, searching {searches} times")
        data_dir = scratch / f"data-{number}"
        with running(build, data_dir) as product:
            first_ready_s = product.ready_s
            indexed = ingest(product, pictures).indexed
            _search(product, pictures, searches)
            processes = product_memory(product.supervisor_pid)
        with running(build, data_dir) as product:
            second_ready_s = product.ready_s
        measured.append(
            MemoryFigures(build.name, first_ready_s, second_ready_s, indexed, tuple(processes))
        )
    return measured


def _search(product: Product, pictures: Path, searches: int) -> None:
    files = random.Random(_SEED).choices(sorted(pictures.iterdir()), k=searches)  # noqa: S311
    with Visitor(product.url, name=product.build.name) as visitor:
        for file in files:
            visitor.search(half_mirrored_jpeg60(file.read_bytes()))


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


def role_of(command_line: str) -> str:
    """Return what a process of the product is, by its command line."""
    for pattern, role in _ROLES:
        found = pattern.search(command_line)
        if found:
            return role or found[1]
    return Path(command_line.partition(" ")[0]).name or "?"


def _parents(proc: Path) -> dict[int, int]:
    """Return each process's parent."""
    parents = {}
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
    """Return a file of the kernel's; empty where its process has ended meanwhile."""
    try:
        return path.read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
