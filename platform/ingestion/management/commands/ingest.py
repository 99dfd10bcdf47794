"""`manage.py ingest SOURCE…`: take in pictures from anywhere and watch them being described."""

import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from ingestion.models import Import
from ingestion.presenters import present_passed_over
from ingestion.selectors import find_progress
from ingestion.services import MetadataRules, Outcome, Result, start_import, take_in
from ingestion.sources import PictureSource, SourceFile, named_by_folders, recognise, shown
from jobs.selectors import is_worked_on
from kernel.database import OUTAGE_S, patiently
from kernel.errors import AppError
from kernel.messages import sentence
from kernel.task_names import INDEX_IMAGES

# How often the bar looks, and how long it watches a count that does not move, with no worker at it,
# before it says so: a worker that died is missed for half a minute, and then another one starts.
_LOOK_EVERY_S = 0.5
_STILL_AFTER_S = 60
_REFUSALS_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Take in every picture of the given sources and wait until they can be found. A source is "
        "a folder, a picture, an archive (ZIP, TAR), a manifest (.csv, .tsv, .jsonl, .ndjson), a "
        "list of URLs (.txt), a URL or a bucket (s3://bucket/prefix)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("named", nargs="+", metavar="SOURCE")
        parser.add_argument(
            "--no-wait", action="store_true", help="do not wait for the workers to describe them"
        )
        parser.add_argument("--source", help="where they come from; the sources by default")
        parser.add_argument(
            "--tags-from-folders", action="store_true", help="each folder's name becomes a tag"
        )
        parser.add_argument(
            "--albums-from-folders", action="store_true", help="each folder's name is an album"
        )
        parser.add_argument(
            "--update-metadata",
            action="store_true",
            help="also give pictures that are there already what is said of them now",
        )
        parser.add_argument(
            "--tags-from-keywords", action="store_true", help="keywords in the files become tags"
        )
        parser.add_argument(
            "--titles-from-paths",
            action="store_true",
            help="a picture is called as its file, also where the file has a title within",
        )

    def handle(
        self,
        *,
        named: list[str],
        no_wait: bool,
        source: str | None,
        tags_from_folders: bool,
        albums_from_folders: bool,
        update_metadata: bool,
        tags_from_keywords: bool,
        titles_from_paths: bool,
        **_: Any,
    ) -> None:
        passed_over: Counter[str] = Counter()
        sources = list(map(recognise, named))
        found = chain.from_iterable(
            _files_of(each, passed_over, named=source or each.name) for each in sources
        )
        files = named_by_folders(found, are_tags=tags_from_folders, are_albums=albums_from_folders)
        try:
            for each in sources:
                each.check()
            first = next(files, None)
        except AppError as error:
            raise CommandError(sentence(error.code, **error.context)) from error
        names = ", ".join(each.name for each in sources)
        if first is None:
            others = f". Passed over: {present_passed_over(passed_over)}" if passed_over else ""
            raise CommandError(f"There is no picture in {names}{others}")
        current = patiently(partial(start_import, source or names))
        outcomes = take_in(
            current,
            chain([first], files),
            patience_s=OUTAGE_S,
            passed_over=passed_over,
            rules=MetadataRules(
                updates_known=update_metadata,
                tags_from_keywords=tags_from_keywords,
                titles_from_paths=titles_from_paths,
            ),
        )
        self._report(current, self._take_in(outcomes), passed_over)
        if not no_wait:
            self._watch(current)

    def _take_in(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Take in all; return the first that were refused, and say what was left out of others."""
        refused: list[Outcome] = []
        incomplete = 0
        try:
            for outcome in self._bar(outcomes, what="Reading"):
                if outcome.result is Result.FAILED and len(refused) < _REFUSALS_SHOWN:
                    refused.append(outcome)
                if outcome.problems:
                    incomplete += 1
                    if incomplete <= _REFUSALS_SHOWN:
                        self._say_left_out(outcome)
        except AppError as error:
            raise CommandError(
                sentence(error.code, **error.context)
                + " What was read so far is kept; run the same command again to go on."
            ) from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted. Run the same command again to go on.") from error
        return refused

    def _say_left_out(self, outcome: Outcome) -> None:
        for problem in outcome.problems:
            tqdm.write(f"  {shown(outcome.name)}: {sentence(problem)}", file=self.stdout)

    def _report(self, current: Import, refused: list[Outcome], passed_over: Counter[str]) -> None:
        patiently(current.refresh_from_db)
        for outcome in refused:
            if outcome.error:
                text = sentence(outcome.error.code, **outcome.error.context)
                self.stdout.write(f"  {shown(outcome.name)}: {text}")
        if current.failed > len(refused):
            self.stdout.write(f"  … and {current.failed - len(refused)} more, see the admin.")
        if passed_over:
            self.stdout.write(f"Passed over: {present_passed_over(passed_over)}.")
        self.stdout.write(
            f"{current.found} files: {current.added} added, {current.duplicates} already there, "
            f"{current.failed} refused."
        )

    def _watch(self, current: Import) -> None:
        progress = patiently(partial(find_progress, [current.pk]))[current.pk]
        indexed, moved_at = 0, time.monotonic()
        with self._bar(total=progress.total, what="Describing") as bar:
            while True:
                progress = patiently(partial(find_progress, [current.pk]))[current.pk]
                now_indexed = progress.total - progress.waiting
                if now_indexed != indexed:
                    bar.update(now_indexed - indexed)
                    indexed, moved_at = now_indexed, time.monotonic()
                if not progress.waiting:
                    break
                if is_worked_on(INDEX_IMAGES):
                    moved_at = time.monotonic()
                if time.monotonic() - moved_at > _STILL_AFTER_S:
                    raise CommandError(
                        "No worker is describing pictures. Is Semblance running (make run)? The "
                        "pictures are kept and will be described once it is."
                    )
                time.sleep(_LOOK_EVERY_S)
        if progress.failed:
            self.stdout.write(f"{progress.failed} pictures could not be described, see the admin.")

    def _bar(
        self, items: Iterable[Any] | None = None, *, what: str, total: int | None = None
    ) -> Any:
        return tqdm(items, total=total, desc=f"{what:<10}", unit=" pictures", smoothing=0.05)


def _files_of(
    source: PictureSource, passed_over: Counter[str], *, named: str
) -> Iterator[SourceFile]:
    """Yield a source's files, which say where they are from by this name."""
    for file in source.files(passed_over):
        yield replace(file, metadata=replace(file.metadata, source=named))
