"""`manage.py ingest SOURCE…`: take in pictures from anywhere and watch them being described."""

import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ingestion import services
from ingestion.management.process_locks import running_here, was_killed_here
from ingestion.management.reports import IngestReport, JsonReport, TextReport
from ingestion.models import Import
from ingestion.presenters import present_passed_over
from ingestion.selectors import find_progress
from ingestion.services import (
    CopyPolicy,
    ImportOptions,
    KnownPolicy,
    MetadataRules,
    Outcome,
    Pace,
)
from ingestion.sources import PictureSource, recognise, shown
from jobs.selectors import is_worked_on
from kernel.database import OUTAGE_S, patiently
from kernel.errors import AppError, UserInputError
from kernel.messages import sentence
from kernel.task_names import CHECK_COPIES, INDEX_IMAGES

# How often the bar looks, and how long it watches a count that does not move, with no worker at it,
# before it says so: a worker that died is missed for half a minute, and then another one starts.
_LOOK_EVERY_S = 0.5
_STILL_AFTER_S = 60


class Command(BaseCommand):
    help = (
        "Take in every picture of the given sources and wait until they can be found. A source is "
        "a folder, a picture, an archive (ZIP, TAR), a manifest (.csv, .tsv, .jsonl, .ndjson), a "
        "list of URLs (.txt), a URL or a bucket (s3://bucket/prefix). Run again after an "
        "interruption, it goes on where it was."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("named", nargs="*", metavar="SOURCE")
        parser.add_argument(
            "--resume",
            type=UUID,
            metavar="ID",
            help="go on with this import, with its own sources and options",
        )
        parser.add_argument(
            "--plan", action="store_true", help="say what would be taken in, and take in nothing"
        )
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
            "--tags-from-keywords", action="store_true", help="keywords in the files become tags"
        )
        parser.add_argument(
            "--titles-from-paths",
            action="store_true",
            help="a picture is called as its file, also where the file has a title within",
        )
        _add_policies(parser)
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
        resume: UUID | None,
        plan: bool,
        no_wait: bool,
        as_json: bool,
        **said: Any,
    ) -> None:
        if bool(named) == bool(resume) or (plan and resume):
            raise CommandError("Name sources, or an import to go on with.", returncode=2)
        report = JsonReport(self.stdout) if as_json else TextReport(self.stdout)
        try:
            if plan:
                self._plan(named, _options(said), report)
                return
            current = self._begin(named, resume, said)
            self._run(current, report)
        except UserInputError as error:
            raise CommandError(shown(sentence(error.code, **error.context))) from error
        patiently(current.refresh_from_db)
        report.taken_in(current)
        if current.state != Import.State.FINISHED:
            raise CommandError(
                f"The import is {current.get_state_display()} now. `manage.py ingest --resume "
                f"{current.pk}` goes on with it."
            )
        if not no_wait:
            self._watch(current, report)

    def _plan(self, named: list[str], options: ImportOptions, report: IngestReport) -> None:
        sources = _checked(named)
        unrecorded = Import(sources=named, options=options.to_json())
        report.planned(services.make_plan(services.list_files(sources, unrecorded)))

    def _begin(self, named: list[str], resume: UUID | None, said: dict[str, Any]) -> Import:
        """Return the import that is to be run, a new one or one that was interrupted."""
        if resume is not None:
            return self._go_on(resume)
        options = _options(said)
        named = [services.absolute(each) for each in named]
        find = partial(services.find_interrupted, was_killed=was_killed_here)
        earlier = patiently(partial(find, named, options))
        if earlier is not None:
            return self._go_on(earlier.pk)
        sources = _checked(named)
        names = ", ".join(each.name for each in sources)
        recorded = Import(sources=named, options=options.to_json())
        passed_over: Counter[str] = Counter()
        if next(services.list_files(sources, recorded)(passed_over), None) is None:
            others = f". Passed over: {present_passed_over(passed_over)}" if passed_over else ""
            raise CommandError(f"There is no picture in {names}{others}")
        name = options.named or names
        current = patiently(partial(services.record_import, named, name=name, options=options))
        return patiently(partial(services.begin_by_command, current.pk))

    def _go_on(self, import_id: UUID) -> Import:
        current = patiently(partial(services.begin_by_command, import_id))
        self.stderr.write(f"Going on with import {current.pk}: {current.found} files are in.")
        return current

    def _run(self, current: Import, report: IngestReport) -> None:
        try:
            with running_here(current.pk), services.opened(current) as sources:
                bar = report.bar(what="Reading", total=current.total, initial=current.found)
                pace = Pace(
                    max_waiting=settings.INGEST_MAX_WAITING,
                    on_waiting=partial(bar.set_postfix_str, "waiting for the workers"),
                    patience_s=OUTAGE_S,
                )
                outcomes = services.run(current, sources, pace=pace)
                with bar, closing(outcomes):  # its end is recorded, whatever ends this
                    self._take_in(outcomes, report, bar)
        except UserInputError as error:
            services.fail(current, error)
            raise

    def _take_in(self, outcomes: Iterable[Outcome], report: IngestReport, bar: Any) -> None:
        try:
            for outcome in outcomes:
                bar.set_postfix_str("", refresh=False)
                bar.update()
                report.file(outcome)
        except UserInputError:
            raise
        except AppError as error:
            raise CommandError(
                shown(sentence(error.code, **error.context))
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
                now_indexed = progress.total - progress.waiting - progress.uncompared
                if now_indexed != indexed:
                    bar.update(now_indexed - indexed)
                    indexed, moved_at = now_indexed, time.monotonic()
                if not progress.waiting and not progress.uncompared:
                    break
                if is_worked_on(INDEX_IMAGES) or is_worked_on(CHECK_COPIES):
                    moved_at = time.monotonic()
                if time.monotonic() - moved_at > _STILL_AFTER_S:
                    raise CommandError(
                        "No worker is describing pictures. Is Semblance running (make run)? The "
                        "pictures are kept and will be described once it is."
                    )
                time.sleep(_LOOK_EVERY_S)
        report.described(progress)


def _add_policies(parser: ArgumentParser) -> None:
    """Add what becomes of pictures that the catalogue has, as they are or edited."""
    parser.add_argument(
        "--known",
        choices=[policy.value for policy in KnownPolicy],
        default=KnownPolicy.SKIP.value,
        help="what becomes of pictures that are there already: they are left as they are "
        "(skip), get what is said of them now (update), or keep where else they are (keep)",
    )
    parser.add_argument(
        "--update-metadata",
        action="store_const",
        dest="known",
        const=KnownPolicy.UPDATE.value,
        help="the same as --known update",
    )
    parser.add_argument(
        "--copies",
        choices=[policy.value for policy in CopyPolicy],
        default=CopyPolicy.TAKE_IN.value,
        help="what becomes of new pictures that prove to be edited copies of others, or others "
        "saved again: they are taken in (take-in), held for review (hold), or moved to the bin "
        "(refuse)",
    )
    parser.add_argument(
        "--restore-binned",
        action="store_true",
        help="pictures that are in the bin come back; else they are left there",
    )


def _options(said: dict[str, Any]) -> ImportOptions:
    return ImportOptions(
        rules=MetadataRules(
            known=KnownPolicy(said["known"]),
            copies=CopyPolicy(said["copies"]),
            tags_from_keywords=said["tags_from_keywords"],
            titles_from_paths=said["titles_from_paths"],
            restores_binned=said["restore_binned"],
        ),
        named=said["source"] or "",
        tags_from_folders=said["tags_from_folders"],
        albums_from_folders=said["albums_from_folders"],
    )


def _checked(named: list[str]) -> list[PictureSource]:
    sources = [recognise(each) for each in named]
    for each in sources:
        each.check()
    return sources
