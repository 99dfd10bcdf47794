"""`manage.py bench ingest`: the whole product's pace, beside its bare models' or another build's.

The product is started in a scratch folder, takes in the pictures, is measured and ended.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from bench.bare_models import pictures_per_s
from bench.builds.checkout import Build, Say, this_build
from bench.builds.product import Imported, Product, all_running, ingest, read_alone, running
from bench.pictures import write_negatives, write_noted, write_pictures
from bench.turns import Comparison, compared, in_turns

# Pictures before the measured ones: two chunks for each of two processes. The bare models, too,
# index some before their clock starts.
_WARM_UP = 256


@dataclass(frozen=True, slots=True)
class IngestFigures:
    """Throughputs in pictures a second, and how many pictures ended indexed."""

    pictures: int
    indexed: int
    ingest_per_s: float
    bare_before_per_s: float
    bare_after_per_s: float

    @property
    def ratio(self) -> float:
        """Ingestion's share of the bare models' throughput (mean of before and after)."""
        return self.ingest_per_s / mean((self.bare_before_per_s, self.bare_after_per_s))


@dataclass(frozen=True, slots=True)
class IngestComparison:
    """Two builds: pictures indexed a second, files read a second meanwhile, and read alone."""

    indexed: Comparison
    read: Comparison
    read_alone: Comparison


def measure(source: Path, scratch: Path, *, count: int) -> IngestFigures:
    """Ingest `count` pictures made from those in `source`, and run the bare models on the same.

    The models run alone on the machine, before and after.

    Raises:
        ValueError: `source` has no pictures.
        RuntimeError: the product did not come up, or a measuring process failed.
    """
    pictures, first = scratch / "pictures", scratch / "first"
    write_pictures(source, pictures, count=count)
    write_negatives(pictures, first, count=_WARM_UP, note="warm-up")
    before = pictures_per_s(pictures)
    with running(this_build(), scratch / "data") as product:
        ingest(product, first)
        imported = ingest(product, pictures)
    after = pictures_per_s(pictures)
    return IngestFigures(count, imported.indexed, imported.per_s, before, after)


def compare(
    builds: tuple[Build, Build], source: Path, scratch: Path, *, count: int, turns: int, say: Say
) -> IngestComparison:
    """Ingest the same pictures with two builds in turns, and compare their paces.

    First files are read alone, each time into an empty catalogue that no worker works at.

    Both products stay up, and every turn brings the same pixels in files that are new to the
    catalogues: a fresh start a turn would cost minutes, and with other pixels the turns would be
    different work. The catalogues grow alike.

    Args:
        builds: the one that is measured, and what it is compared with.
        source: a folder of pictures.
        scratch: an empty folder.
        count: pictures a turn.
        turns: how many, ≥ 1.
        say: is told each turn's figures.

    Raises:
        ValueError: `source` has too few pictures.
        RuntimeError: a product did not come up, or failed.
    """
    pictures, first = scratch / "pictures", scratch / "first"
    write_pictures(source, pictures, count=count)
    write_negatives(pictures, first, count=_WARM_UP, note="warm-up")
    for turn in range(1, turns + 1):
        write_noted(pictures, scratch / f"turn-{turn}", note=f"turn {turn}")
    alone, alone_there = in_turns(
        *builds,
        lambda build, turn: read_alone(
            build, pictures, scratch / f"alone-{turn}" / str(builds.index(build))
        ),
        turns=turns,
    )
    with all_running(builds, scratch) as products:
        for product in products:
            ingest(product, first)
        work = _turn(scratch, count=count, turns=turns, say=say)
        here, there = in_turns(products[0], products[1], work, turns=turns)
    return IngestComparison(
        compared([each.per_s for each in here], [each.per_s for each in there]),
        compared([each.read_per_s for each in here], [each.read_per_s for each in there]),
        compared(alone, alone_there),
    )


def _turn(scratch: Path, *, count: int, turns: int, say: Say) -> Callable[[Product, int], Imported]:
    def turn(product: Product, number: int) -> Imported:
        imported = ingest(product, scratch / f"turn-{number}")
        lost = "" if imported.indexed == count else f" ({imported.indexed} of {count} indexed)"
        say(
            f"turn {number} of {turns}  {product.build.name:<10}  "
            f"{imported.per_s:6.2f} pictures/s{lost}"
        )
        return imported

    return turn
