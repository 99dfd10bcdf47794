"""`manage.py ingest PATH…`: take in folders of pictures and watch them being described."""

import time
from argparse import ArgumentParser
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from ingestion.models import Import
from ingestion.selectors import find_progress
from ingestion.services import Outcome, Result, start_import, take_in
from ingestion.sources import SourceFile, list_folder, shown
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
    help = "Take in every picture below the given folders and wait until they can be found."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument(
            "--no-wait", action="store_true", help="do not wait for the workers to describe them"
        )

        parser.add_argument("--source", help="where they come from; the paths by default")

    def handle(self, *, paths: list[Path], no_wait: bool, source: str | None, **_: Any) -> None:
        try:
            files = [file for path in paths for file in list_folder(path)]
        except AppError as error:
            raise CommandError(sentence(error.code, **error.context)) from error
        sources = ", ".join(map(shown, paths))
        if not files:
            raise CommandError(f"There is no picture in {sources}")
        current = patiently(partial(start_import, source or sources))
        refused = self._take_in(current, files)
        self._report(current, refused)
        if not no_wait:
            self._watch(current)

    def _take_in(self, current: Import, files: list[SourceFile]) -> list[Outcome]:
        refused = []
        try:
            outcomes = take_in(current, files, patience_s=OUTAGE_S)
            for outcome in self._bar(outcomes, total=len(files), what="Reading"):
                if outcome.result is Result.FAILED:
                    refused.append(outcome)
        except AppError as error:
            raise CommandError(
                sentence(error.code, **error.context)
                + " What was read so far is kept; run the same command again to go on."
            ) from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted. Run the same command again to go on.") from error
        return refused

    def _report(self, current: Import, refused: list[Outcome]) -> None:
        for outcome in refused[:_REFUSALS_SHOWN]:
            if outcome.error:
                text = sentence(outcome.error.code, **outcome.error.context)
                self.stdout.write(f"  {outcome.name}: {text}")
        if len(refused) > _REFUSALS_SHOWN:
            self.stdout.write(f"  … and {len(refused) - _REFUSALS_SHOWN} more, see the admin.")
        patiently(current.refresh_from_db)
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

    def _bar(self, items: Iterable[Any] | None = None, *, total: int, what: str) -> Any:
        return tqdm(items, total=total, desc=f"{what:<10}", unit=" pictures", smoothing=0.05)
