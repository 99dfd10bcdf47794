"""`manage.py bench search FOLDER`: what takes longer, two builds or one beside its own import.

Two builds search the same catalogue with the same pictures, in turns, A B A B …: photos one after
another, collages, several people at once, and photos while an import runs; each once until the
first hits are there, and once until all copies are proved. One build alone is asked for photos
while it imports and while it idles, in turns, too.
"""

import hashlib
import random
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bench.builds.checkout import Build, Say
from bench.builds.product import Product, all_running, image_ids, importing, ingest, running
from bench.crowd import Start, all_at_once
from bench.edits import half_mirrored_jpeg60
from bench.pictures import list_pictures, noted, write_negatives, write_noted, write_pictures
from bench.turns import Comparison, compared, in_turns
from bench.visitor import Answer, Visitor, Wait

WAITS: tuple[Wait, ...] = ("hits", "proofs")


@dataclass(frozen=True, slots=True)
class SearchPicture:
    """A picture file to search with, and the SHA-256 of the file that it was made of, if known."""

    data: bytes
    original_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class SearchTimes:
    """What one build answered in one turn.

    Attributes:
        times_ms: of each search.
        found_first: how many had their original first.
        complete: how many had all copies proved.
    """

    times_ms: tuple[float, ...]
    found_first: int
    complete: int

    @property
    def median_ms(self) -> float:
        """Half of the searches took no longer."""
        return float(np.median(self.times_ms))

    @property
    def p95_ms(self) -> float:
        """19 of 20 searches took no longer."""
        return float(np.percentile(self.times_ms, 95))


@dataclass(frozen=True, slots=True)
class SearchComparison:
    """One kind of searching, compared: two builds, or one during an import and without.

    Attributes:
        name: what was asked, and what was waited for.
        median_ms: of each turn's medians.
        p95_ms: of each turn's 95th percentiles.
        asked: how many searches of each side were timed in all.
        found_first: how many of them had the original first; None where there is no original.
        complete: how many had all copies proved; None where only first hits were waited for.
    """

    name: str
    median_ms: Comparison
    p95_ms: Comparison
    asked: tuple[int, int]
    found_first: tuple[int, int] | None
    complete: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """What is asked.

    Attributes:
        source: folder of the catalogue's pictures.
        count: how many of them.
        queries: folder of collages to search with; None leaves them out.
        tries: searches a turn of each kind, at most.
        people: how many search at once; 1 leaves that out.
        is_importing: whether photos are searched for during an import, too.
        turns: how often everything is asked, ≥ 1.
        seed: chooses the pictures.
    """

    source: Path
    count: int
    queries: Path | None
    tries: int
    people: int
    is_importing: bool
    turns: int
    seed: int


@dataclass(frozen=True, slots=True)
class SearchKind:
    """One kind of searching.

    Attributes:
        name: as it is printed.
        queries: what is searched with.
        people: how many search at once, each with their share.
        meanwhile: what goes on during a turn; yields whether it still does.
    """

    name: str
    queries: Sequence[SearchPicture]
    people: int = 1
    meanwhile: Callable[[Product, str], AbstractContextManager[Callable[[], bool]]] | None = None


def compare(
    builds: tuple[Build, Build], plan: SearchPlan, scratch: Path, *, say: Say
) -> Generator[SearchComparison, None, None]:
    """Fill two builds' products alike, search them in turns, and give the figures kind by kind.

    The products run until it is exhausted or closed.

    Each search brings a file of its own, though of the same pixels: nothing that a build may keep
    of an earlier answer counts. What is imported meanwhile is in negative, so that originals still
    come first; these kinds come last, as the catalogues grow by them.

    Raises:
        ValueError: there are too few pictures.
        RuntimeError: a product did not come up, or a search failed.
    """
    pictures = scratch / "pictures"
    write_pictures(plan.source, pictures, count=plan.count)
    photos = _photos(pictures, plan)
    collages = None if plan.queries is None else _collages(plan.queries, plan, scratch)
    with all_running(builds, scratch) as products:
        for product in products:
            imported = ingest(product, pictures)
            say(f"{product.build.name}: {imported.indexed} of {plan.count} pictures indexed")
        for kind in _kinds(plan, photos, collages, partial(_import, pictures)):
            for wait in WAITS:
                yield _measure(kind, wait, products, turns=plan.turns)


def beside_an_import(
    build: Build, plan: SearchPlan, scratch: Path, *, say: Say
) -> Generator[SearchComparison, None, None]:
    """Fill a build's product, search it with photos while it imports and while it idles, in turns.

    What an import costs who searches: of each figure the first is during one, the second without.
    What is imported is as in `compare`; the product runs until this is exhausted or closed.

    Raises:
        ValueError: there are too few pictures.
        RuntimeError: the product did not come up, or a search failed.
    """
    pictures = scratch / "pictures"
    write_pictures(plan.source, pictures, count=plan.count)
    photos = _photos(pictures, plan)
    busy = SearchKind("one photo", photos, meanwhile=partial(_import, pictures))
    idle = SearchKind("one photo", photos)
    with running(build, scratch / "data") as product:
        imported = ingest(product, pictures)
        say(f"{product.build.name}: {imported.indexed} of {plan.count} pictures indexed")
        ids = image_ids(product)
        for wait in WAITS:

            def turn(kind: SearchKind, number: int, wait: Wait = wait) -> SearchTimes:
                state = "idle" if kind is idle else "busy"
                return ask(kind, wait, product, ids, label=f"{state} {wait} {number}")

            yield _compared(busy, wait, *in_turns(busy, idle, turn, turns=plan.turns))


def _photos(pictures: Path, plan: SearchPlan) -> list[SearchPicture]:
    """Return edited copies of randomly chosen pictures."""
    originals = [file.read_bytes() for file in _chosen(pictures, plan)]
    return [
        SearchPicture(half_mirrored_jpeg60(data), hashlib.sha256(data).hexdigest())
        for data in originals
    ]


def _collages(source: Path, plan: SearchPlan, scratch: Path) -> list[SearchPicture]:
    """Return randomly chosen pictures of a folder, as files that take a note."""
    copies, queries = scratch / "collages", scratch / "queries"
    write_pictures(source, copies, count=len(list_pictures(source)))
    write_noted(copies, queries, note="query")
    return [SearchPicture(file.read_bytes()) for file in _chosen(queries, plan)]


def _chosen(folder: Path, plan: SearchPlan) -> list[Path]:
    files = sorted(folder.iterdir())
    return random.Random(plan.seed).sample(files, min(plan.tries, len(files)))  # noqa: S311


def _kinds(
    plan: SearchPlan,
    photos: Sequence[SearchPicture],
    collages: Sequence[SearchPicture] | None,
    meanwhile: Callable[[Product, str], AbstractContextManager[Callable[[], bool]]],
) -> Iterator[SearchKind]:
    yield SearchKind("one photo", photos)
    if collages is not None:
        yield SearchKind("one collage", collages)
    if plan.people > 1:
        yield SearchKind(f"{plan.people} people at once", photos, people=plan.people)
    if plan.is_importing:
        yield SearchKind("one photo during an import", photos, meanwhile=meanwhile)


@contextmanager
def _import(pictures: Path, product: Product, label: str) -> Iterator[Callable[[], bool]]:
    """Have a product take in a folder's pictures in negative meanwhile."""
    folder = product.data_dir.with_name(f"{product.data_dir.name}-{label.replace(' ', '-')}")
    write_negatives(pictures, folder, count=len(list(pictures.iterdir())), note=label)
    with importing(product, folder) as goes_on:
        yield goes_on


def _measure(
    kind: SearchKind, wait: Wait, products: Sequence[Product], *, turns: int
) -> SearchComparison:
    first, second = products
    known = {product.url: image_ids(product) for product in products}

    def turn(product: Product, number: int) -> SearchTimes:
        return ask(kind, wait, product, known[product.url], label=f"{kind.name} {wait} {number}")

    return _compared(kind, wait, *in_turns(first, second, turn, turns=turns))


def _compared(
    kind: SearchKind, wait: Wait, here: Sequence[SearchTimes], there: Sequence[SearchTimes]
) -> SearchComparison:
    has_originals = kind.queries[0].original_sha256 is not None
    return SearchComparison(
        name=f"{kind.name}, {'first hits' if wait == 'hits' else 'all proofs'}",
        median_ms=compared([each.median_ms for each in here], [each.median_ms for each in there]),
        p95_ms=compared([each.p95_ms for each in here], [each.p95_ms for each in there]),
        asked=(_asked(here), _asked(there)),
        found_first=(_found(here), _found(there)) if has_originals else None,
        complete=(_complete(here), _complete(there)) if wait == "proofs" else None,
    )


def ask(
    kind: SearchKind, wait: Wait, product: Product, ids: dict[str, str], *, label: str
) -> SearchTimes:
    """Search a product with everything of a kind and return the times.

    Each person makes one search more ahead, uncounted: the product has idled until then.

    Args:
        kind: what is asked.
        wait: for what.
        product: who is asked.
        ids: of its images, by the SHA-256 of their files.
        label: makes the files of this turn different from those of every other.

    Raises:
        RuntimeError: a search failed, or what was to go on meanwhile ended before one was made.
    """
    meanwhile = nullcontext(_always) if kind.meanwhile is None else kind.meanwhile(product, label)

    def person(number: int, start: Start) -> list[tuple[SearchPicture, Answer]]:
        answers = []
        with Visitor(product.url, name=product.build.name) as visitor:
            visitor.search(noted(kind.queries[0].data, f"{label} first of {number}"), wait=wait)
            start.wait_for_all()
            for query in kind.queries[number :: kind.people]:
                if start.is_called_off or not goes_on():
                    break
                answers.append((query, visitor.search(noted(query.data, label), wait=wait)))
        return answers

    with meanwhile as goes_on:
        answers = [pair for each in all_at_once(kind.people, person) for pair in each]
    if not answers:
        raise RuntimeError(
            f"{product.build.name} had ended its import before it was searched: "
            "give it more pictures (--count)."
        )
    return SearchTimes(
        times_ms=tuple(answer.total_ms for _, answer in answers),
        found_first=sum(
            query.original_sha256 in ids and answer.first == ids[query.original_sha256]
            for query, answer in answers
            if query.original_sha256 is not None
        ),
        complete=sum(answer.is_complete for _, answer in answers),
    )


def _always() -> bool:
    return True


def _asked(turns: Sequence[SearchTimes]) -> int:
    return sum(len(turn.times_ms) for turn in turns)


def _complete(turns: Sequence[SearchTimes]) -> int:
    return sum(turn.complete for turn in turns)


def _found(turns: Sequence[SearchTimes]) -> int:
    return sum(turn.found_first for turn in turns)
