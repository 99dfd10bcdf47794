"""`manage.py bench search|headline|pages|ingest|index|memory|stages|watches`: of this machine."""

import signal
import tempfile
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bench import (
    admin_pages,
    bare_models,
    comparing_searches,
    headlines,
    indexing,
    ingesting,
    machine,
    made_catalogue,
    memory,
    pages,
    searching,
    tables,
    watching,
)
from bench.builds.checkout import SCRATCH_PREFIX, Build, checked_out, this_build
from bench.comparing_searches import SearchPlan
from bench.pictures import write_pictures
from catalog.vector_store import scratch_index
from config.env import read_env
from kernel.errors import AppError
from kernel.messages import sentence

_PICTURES = 990
_INDEXED_POINTS = 20_000
_TAGS = 3_000
_HEADLINES = 200
_WATCHES, _WATCHED_AMONG = (1, 100, 1_000), 100_000


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ArgumentTypeError(f"{text} is not at least 1")
    return value


class Command(BaseCommand):
    help = (
        "Measure searching, pages beside searches, ingesting, memory, stages or the vector store."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = parser.add_subparsers(dest="kind", required=True)
        self._add_search(
            kinds.add_parser(
                "search",
                help="edited copies against the running site, two builds, or an import",
            )
        )
        headline = kinds.add_parser(
            "headline", help="is the first sentence of the running site's answers right"
        )
        headline.add_argument(
            "without", type=Path, help="a folder of pictures of which the catalogue has no copy"
        )
        headline.add_argument(
            "copied",
            type=Path,
            nargs="?",
            help="a folder of pictures in it, to be edited; all of the catalogue's without",
        )
        headline.add_argument("--tries", type=positive, default=_HEADLINES, help="of each kind")
        headline.add_argument("--seed", type=int, default=0)
        _add_url(headline)
        self._add_pages(
            kinds.add_parser(
                "pages", help="pages beside searches, and a crowd's; or a large catalogue's admin"
            )
        )
        ingest = kinds.add_parser(
            "ingest", help="ingestion beside the bare models, or two builds, in a scratch"
        )
        ingest.add_argument("source", type=Path, help="a folder of pictures")
        _add_count(ingest)
        _add_against(ingest)
        _add_turns(ingest)
        use = kinds.add_parser("memory", help="memory of each process after work, and starts")
        use.add_argument("source", type=Path, help="a folder of pictures")
        _add_count(use)
        use.add_argument("--searches", type=positive, default=50)
        _add_against(use)
        stages = kinds.add_parser("stages", help="CPU time a picture and stage of indexing")
        stages.add_argument("source", type=Path, help="a folder of pictures")
        _add_count(stages, default=64)
        stages.add_argument("--rounds", type=positive, default=3, help="timed passes of each stage")
        index = kinds.add_parser("index", help="the vector store beside faiss")
        _add_count(index, default=_INDEXED_POINTS)
        index.add_argument("--dim", type=positive, default=512)
        index.add_argument("--seed", type=int, default=0)
        watches = kinds.add_parser("watches", help="what many watches cost each new image, in SQL")
        watches.add_argument("--images", type=positive, default=_WATCHED_AMONG)
        watches.add_argument("--watches", type=positive, nargs="+", default=_WATCHES)

    def _add_search(self, search: ArgumentParser) -> None:
        search.add_argument("--tries", type=positive, default=100, help="searches (a turn)")
        search.add_argument("--seed", type=int, default=0)
        _add_url(search)
        _add_against(search)
        pair = search.add_argument_group("with --against, or with --importing alone")
        pair.add_argument(
            "source", type=Path, nargs="?", help="a folder of pictures: the catalogue"
        )
        _add_count(pair)
        _add_turns(pair)
        pair.add_argument("--queries", type=Path, help="a folder of collages to search with, too")
        pair.add_argument("--people", type=positive, default=10, help="at once; 1 leaves that out")
        pair.add_argument("--importing", action="store_true", help="search during an import, too")

    def _add_pages(self, asked: ArgumentParser) -> None:
        asked.add_argument(
            "--rounds", type=positive, default=40, help="times that a page is opened"
        )
        asked.add_argument("--collages", type=positive, default=8, help="searches meanwhile")
        asked.add_argument("--searches", type=positive, default=200, help="searches at once")
        asked.add_argument("--silent", type=positive, default=30, help="connections left open")
        asked.add_argument("--seed", type=int, default=0)
        _add_url(asked)
        admin = asked.add_argument_group("instead: the admin over made rows, in a scratch database")
        admin.add_argument("--images", type=positive, help="that many of them")
        admin.add_argument("--tags", type=positive, default=_TAGS)

    def handle(self, *, kind: str, **options: Any) -> None:
        measure = {
            "search": self._search,
            "headline": self._headline,
            "pages": self._pages,
            "ingest": self._ingest,
            "index": self._index,
            "memory": self._memory,
            "stages": self._stages,
            "watches": self._watches,
        }[kind]
        try:
            with _ended_in_order():
                measure(options)
        except AppError as error:
            raise CommandError(sentence(error.code, **error.context)) from error
        except (ValueError, RuntimeError, OSError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted; what was started has been ended.") from error

    def _search(self, options: dict[str, Any]) -> None:
        if options["against"] is not None:
            self._compare_searches(options)
            return
        if options["source"] is not None:
            self._search_beside_an_import(options)
            return
        figures = searching.measure(_url(options), tries=options["tries"], seed=options["seed"])
        self.stdout.write(
            f"Catalogue: {figures.images} images. Query: half size, mirrored, JPEG 60.\n"
            f"Original first: {figures.found_first} of {figures.tries}\n"
            f"A search, median: {figures.total_ms:.1f} ms, of it {figures.model_ms:.1f} ms in "
            f"the models and {figures.outside_ms:.1f} ms outside "
            f"(95th percentile {figures.outside_p95_ms:.1f} ms)\n"
            f"First hits, median: {figures.page_ms:.1f} ms on the page, {figures.answer_ms:.1f} ms "
            f"for programs, ratio {figures.page_ms / figures.answer_ms:.2f}"
        )

    def _headline(self, options: dict[str, Any]) -> None:
        figures = headlines.measure(
            _url(options),
            options["without"],
            copied=options["copied"],
            tries=options["tries"],
            seed=options["seed"],
        )
        for line in figures.wrong:
            self._say(f"  {line}")
        self.stdout.write(
            f"Without a copy in the catalogue: the headline says so for {figures.said_none} of "
            f"{figures.without} ({figures.said_none / figures.without:.1%})\n"
            f"Edited copies: named by {figures.named} of {figures.copies} headlines "
            f"({figures.named / figures.copies:.1%})"
        )

    def _pages(self, options: dict[str, Any]) -> None:
        self._say(machine.describe())
        if options["images"] is not None:
            self._admin_pages(options)
            return
        counts = {name: options[name] for name in ("rounds", "collages", "searches", "silent")}
        measured = pages.measure(_url(options), **counts, seed=options["seed"])
        with closing(measured):  # ends the session
            for figures in measured:
                self._say(tables.pages(figures, collages=options["collages"]))

    def _admin_pages(self, options: dict[str, Any]) -> None:
        images, tags = options["images"], options["tags"]
        with _scratch() as scratch, made_catalogue.scratch_database(scratch):
            made_catalogue.fill(images=images, tags=tags)
            self._say(tables.admin_head(images=images, tags=tags, rounds=options["rounds"]))
            for figures in admin_pages.measure(rounds=options["rounds"]):
                self._say(tables.admin_row(figures))

    def _compare_searches(self, options: dict[str, Any]) -> None:
        if options["source"] is None:
            raise CommandError("Name a folder of pictures that both builds are filled with.")
        plan = _search_plan(options)
        with self._builds(options["against"]) as (builds, scratch):
            self._say(tables.search_head([build.name for build in builds]))
            kinds = comparing_searches.compare(builds, plan, scratch, say=self._say)
            with closing(kinds):  # else the products would outlive the worktree after an error
                for figures in kinds:
                    self._say(tables.search_rows(figures))

    def _search_beside_an_import(self, options: dict[str, Any]) -> None:
        if not options["importing"]:
            raise CommandError(
                "A folder is searched by two builds (name one with --against), or during an import "
                "and without one (--importing)."
            )
        self._say(machine.describe())
        with _scratch() as scratch:
            self._say(tables.search_head(["importing", "idle"]))
            plan = _search_plan(options)
            kinds = comparing_searches.beside_an_import(this_build(), plan, scratch, say=self._say)
            with closing(kinds):
                for figures in kinds:
                    self._say(tables.search_rows(figures))

    def _ingest(self, options: dict[str, Any]) -> None:
        source, count = options["source"], options["count"]
        if options["against"] is not None:
            turns = options["turns"]
            with self._builds(options["against"]) as (builds, scratch):
                compared = ingesting.compare(
                    builds, source, scratch, count=count, turns=turns, say=self._say
                )
            self.stdout.write(tables.ingestion(builds, compared, turns=turns))
            return
        with _scratch() as scratch:
            figures = ingesting.measure(source, scratch, count=count)
        self.stdout.write(
            f"{figures.indexed} of {figures.pictures} pictures indexed\n"
            f"Bare models:  {figures.bare_before_per_s:.1f} pictures/s before, "
            f"{figures.bare_after_per_s:.1f} after\n"
            f"Ingestion:    {figures.ingest_per_s:.1f} pictures/s\n"
            f"Ratio:        {figures.ratio:.0%}"
        )

    def _memory(self, options: dict[str, Any]) -> None:
        work = {"count": options["count"], "searches": options["searches"]}
        if options["against"] is None:
            with _scratch() as scratch:
                measured = memory.measure(
                    [this_build()], options["source"], scratch, say=self._say, **work
                )
        else:
            with self._builds(options["against"]) as (builds, scratch):
                measured = memory.measure(builds, options["source"], scratch, say=self._say, **work)
        for figures in measured:
            self.stdout.write(tables.memory(figures))
        if len(measured) > 1:
            self.stdout.write(tables.memory_ratio(*measured))

    def _stages(self, options: dict[str, Any]) -> None:
        with _scratch() as scratch:
            write_pictures(options["source"], scratch / "pictures", count=options["count"])
            table = bare_models.stage_table(scratch / "pictures", rounds=options["rounds"])
        self.stdout.write(f"{machine.describe()}\n{table}")

    def _index(self, options: dict[str, Any]) -> None:
        count, dim = options["count"], options["dim"]
        with scratch_index(dim=dim) as store:
            measured = indexing.measure(store, count=count, seed=options["seed"])
        self.stdout.write(f"{count} clustered embeddings of {dim}, top 20, one query at a time")
        for row in measured:
            self.stdout.write(
                f"{row.name:<26} p50 {row.p50_ms:6.2f} ms   p95 {row.p95_ms:6.2f} ms   "
                f"recall@20 {row.recall_at_20:.4f}   {row.upserts_per_s:8.0f} upserts/s"
            )

    def _watches(self, options: dict[str, Any]) -> None:
        self._say(machine.describe())
        with _scratch() as scratch, made_catalogue.scratch_database(scratch):
            made_catalogue.fill(images=options["images"], tags=1)
            self._say(tables.watch_head(images=options["images"]))
            for figures in watching.measure(options["watches"]):
                self._say(tables.watch_row(figures))

    @contextmanager
    def _builds(self, commit: str) -> Iterator[tuple[tuple[Build, Build], Path]]:
        """Yield this build and another commit's, and a scratch folder; both are gone afterwards."""
        self.stdout.write(machine.describe())
        with _scratch() as scratch, checked_out(commit, scratch, say=self._say) as other:
            yield (this_build(), other), scratch

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX) as folder:
        yield Path(folder)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Have `kill` and a closed terminal end what was started, as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers: Sequence[signal.Signals] = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _search_plan(options: dict[str, Any]) -> SearchPlan:
    return SearchPlan(
        source=options["source"],
        count=options["count"],
        queries=options["queries"],
        tries=options["tries"],
        people=options["people"],
        is_importing=options["importing"],
        turns=options["turns"],
        seed=options["seed"],
    )


def _add_url(parser: ArgumentParser) -> None:
    parser.add_argument("--url", help="the site's address; this machine's by default")


def _url(options: dict[str, Any]) -> str:
    web = read_env().web
    return options["url"] or f"http://{web.host}:{web.port}"


def _add_count(parser: Any, *, default: int = _PICTURES) -> None:
    parser.add_argument("--count", type=positive, default=default)


def _add_against(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--against", metavar="COMMIT", help="another commit, whose product works in turn with ours"
    )


def _add_turns(parser: Any) -> None:
    parser.add_argument("--turns", type=positive, default=5)
