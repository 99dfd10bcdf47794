"""`manage.py bench memory`: what each process of the product holds after work, and its starts.

Builds are looked at one after another, never side by side: they would share pages.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.builds.checkout import Build, Say
from bench.builds.product import Product, ingest, running
from bench.edits import half_mirrored_jpeg60
from bench.pictures import write_pictures
from bench.visitor import Visitor
from metrics.processes import ProcessMemory, product_memory

_SEED = 0


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
