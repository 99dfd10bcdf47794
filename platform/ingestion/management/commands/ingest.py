"""`manage.py ingest SOURCE…`: take in pictures from anywhere and watch them being described."""

import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable
from functools import partial
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from ingestion.models import Import
from ingestion.presenters import present_passed_over
from ingestion.selectors import find_progress
from ingestion.services import Outcome, Result, start_import, take_in
from ingestion.sources import named_by_folders, recognise, shown
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
            help="also give pictures that are there already what the sources say of them",
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
        **_: Any,
    ) -> None:
        passed_over: Counter[str] = Counter()
        try:
            sources = list(map(recognise, named))
            for each in sources:
                each.check()
            found = chain.from_iterable(each.files(passed_over) for each in sources)
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
            updates_metadata=update_metadata,
        )
        self._report(current, self._take_in(outcomes), passed_over)
        if not no_wait:
            self._watch(current)

    def _take_in(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Take in all; return the first that were refused."""
        refused: list[Outcome] = []
        try:
            for outcome in self._bar(outcomes, what="Reading"):
                if outcome.result is Result.FAILED and len(refused) < _REFUSALS_SHOWN:
                    refused.append(outcome)
        except AppError as error:
            raise CommandError(
                sentence(error.code, **error.context)
                + " What was read so far is kept; run the same command again to go on."
            ) from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted. Run the same command again to go on.") from error
        return refused

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
