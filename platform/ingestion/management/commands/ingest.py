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

from ingestion.management.reports import IngestReport, JsonReport, TextReport
from ingestion.models import Import
from ingestion.presenters import present_passed_over
from ingestion.selectors import find_progress
from ingestion.services import MetadataRules, Outcome, start_import, take_in
from ingestion.sources import PictureSource, SourceFile, named_by_folders, recognise
from jobs.selectors import is_worked_on
from kernel.database import OUTAGE_S, patiently
from kernel.errors import AppError
from kernel.messages import sentence
from kernel.task_names import INDEX_IMAGES

# How often the bar looks, and how long it watches a count that does not move, with no worker at it,
# before it says so: a worker that died is missed for half a minute, and then another one starts.
_LOOK_EVERY_S = 0.5
_STILL_AFTER_S = 60


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
        parser.add_argument(
            "--json",
            action="store_true",
            dest="as_json",
            help="write a JSON object a line, for programs",
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
        as_json: bool,
        **_: Any,
    ) -> None:
        passed_over: Counter[str] = Counter()
        try:
            sources = list(map(recognise, named))
            for each in sources:
                each.check()
            found = chain.from_iterable(
                _files_of(each, passed_over, named=source or each.name) for each in sources
            )
            files = named_by_folders(
                found, are_tags=tags_from_folders, are_albums=albums_from_folders
            )
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
        report = JsonReport(self.stdout) if as_json else TextReport(self.stdout)
        self._take_in(outcomes, report)
        patiently(current.refresh_from_db)
        report.taken_in(current, passed_over)
        if not no_wait:
            self._watch(current, report)

    def _take_in(self, outcomes: Iterable[Outcome], report: IngestReport) -> None:
        try:
            for outcome in report.bar(outcomes, what="Reading"):
                report.file(outcome)
        except AppError as error:
            raise CommandError(
                sentence(error.code, **error.context)
                + " What was read so far is kept; run the same command again to go on."
            ) from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted. Run the same command again to go on.") from error

    def _watch(self, current: Import, report: IngestReport) -> None:
        progress = patiently(partial(find_progress, [current.pk]))[current.pk]
        indexed, moved_at = 0, time.monotonic()
        with report.bar(total=progress.total, what="Describing") as bar:
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
        report.described(indexed=progress.indexed, failed=progress.failed)


def _files_of(
    source: PictureSource, passed_over: Counter[str], *, named: str
) -> Iterator[SourceFile]:
    """Yield a source's files; those that do not say where they are from, say this name."""
    for file in source.files(passed_over):
        said_source = file.metadata.source if file.is_all_said else file.metadata.source or named
        yield replace(file, metadata=replace(file.metadata, source=said_source))
