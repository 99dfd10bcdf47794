"""A run of a recorded import by a command or a worker, from the first file not recorded on."""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from uuid import UUID

from django.conf import settings
from django.db import Error, transaction
from django.utils import timezone

from catalog.services import CHUNK_SIZE
from ingestion.models import Import, ImportFailure
from ingestion.services.chunks import Intake, Taken
from ingestion.services.files import (
    ImportOptions,
    MetadataRules,
    Outcome,
    ReadFile,
    read_file,
)
from ingestion.services.life import fail, hand_out_imports
from ingestion.services.opening import ListFiles, list_files, opened
from ingestion.services.plans import make_plan
from ingestion.services.recording import ImportTakenOver, State, kept_name, record
from ingestion.services.taking_in import Pace, is_over, take_in
from ingestion.sources import PictureSource, SourceFile
from jobs.models import Delivery
from jobs.services import JobTakenOver, hold
from kernel.database import OUTAGE_S, patiently
from kernel.errors import AppError, DefectError, UserInputError

logger = logging.getLogger(__name__)

# A worker has an import for so long, then others have their turn; or for as long as it took to find
# where to go on, so that most of the time is spent on new files. It ends before a job's time does.
_TURN_S = 20.0
_MAX_TURN_S = 240.0
# Runs in a row that record nothing, of an import that workers run: some ten minutes of an outage.
_MAX_TRIES = 30
# Runs that one file ends before it is left out, and files that a run may die over: while a chunk is
# added, the next is decoded and one more is read.
_MAX_DEATHS, _SUSPECTS = 2, 3 * CHUNK_SIZE
# Failures that one reading of the source tries again, held by name.
_RETRIES = 10_000


def run_turn(import_id: UUID, *, delivery: Delivery) -> None:
    """Have a worker plan an import, or go on with it for a turn; then hand on.

    Raises:
        JobTakenOver: another worker has the job.
        TransientError: a part is away; the job comes again.
    """
    current = _begin_turn(import_id, delivery)
    if current is None:
        return
    try:
        with opened(current) as sources:
            if current.state == State.PLANNED:
                _plan(current, sources)
            else:
                pace = Pace(
                    max_waiting=settings.INGEST_MAX_WAITING,
                    waits=False,
                    turn_s=_TURN_S,
                    patience_s=OUTAGE_S,
                )
                for _ in run(current, sources, pace=pace):
                    pass
    except UserInputError as error:
        fail(current, error)
    except ImportTakenOver:  # resumed while this turn still read: the next one is another's
        logger.info("import was taken over", extra={"import_id": str(import_id)})
    hand_out_imports(after=delivery)


@transaction.atomic
def _begin_turn(import_id: UUID, delivery: Delivery) -> Import | None:
    """Return an import whose turn it is, and which this job is for, with a new run."""
    if not hold(delivery):
        raise JobTakenOver(delivery)
    current = Import.objects.select_for_update().filter(pk=import_id).first()
    is_ours = current is not None and current.job_id == delivery.job_id and current.by_workers
    if current is None or not is_ours:
        return None
    if current.state not in {State.PLANNED, State.RUNNING, State.INTERRUPTED}:
        return None
    if current.tries >= _MAX_TRIES:
        current.state, current.finished_at = State.FAILED, timezone.now()
        current.error_code = "import:ours:gave-up"
        current.save(update_fields=("state", "finished_at", "error_code"))
        return None
    _begin(current, may_have_died=current.job is not None and current.job.tries > 1)
    return current


def _begin(current: Import, *, may_have_died: bool) -> None:
    current.runs += 1
    current.is_careful |= may_have_died
    current.tries += 1
    if current.state != State.PLANNED:
        current.state, current.finished_at = State.RUNNING, None
    current.touched_at, current.is_waiting = timezone.now(), False
    current.save(
        update_fields=(
            *("runs", "tries", "is_careful", "state", "finished_at", "touched_at", "is_waiting"),
        )
    )


@transaction.atomic
def begin_by_command(import_id: UUID) -> Import:
    """Return an import that a command goes on with now, with a new run.

    Raises:
        UserInputError: "import:user:missing", "import:user:no-source", "import:user:over".
    """
    current = Import.objects.select_for_update().filter(pk=import_id).first()
    if current is None:
        raise UserInputError("import:user:missing")
    if not current.sources and not current.has_upload:
        raise UserInputError("import:user:no-source")
    if current.state in {State.FINISHED, State.CANCELLED}:
        raise UserInputError("import:user:over")
    # Killed, or ended by what nobody expected: both leave it as an interruption by hand does.
    may_have_died = current.runs > 0
    current.by_workers, current.error_code, current.error_context = False, "", {}
    current.recorded_at, current.tries = timezone.now(), 0
    if current.state == State.PLANNED:
        current.state = State.RUNNING
    current.save()
    _begin(current, may_have_died=may_have_died)
    return current


def _plan(current: Import, sources: Sequence[PictureSource]) -> None:
    for source in sources:
        source.check()
    plan = make_plan(list_files(sources, current))
    Import.objects.filter(pk=current.pk, runs=current.runs, state=State.PLANNED).update(
        plan=plan.to_json(),
        total=plan.files if plan.is_complete else None,
        passed_over=plan.passed_over,
        tries=0,
    )


def run(
    current: Import, sources: Sequence[PictureSource], *, pace: Pace
) -> Generator[Outcome, None, None]:
    """Go on with an import whose run has begun; yield each file's end as it comes.

    First what is to be tried again, then the files that are not recorded yet; after a run that
    died, some of these one by one.

    Raises:
        UserInputError: a source cannot be read at all, and nothing was taken in yet.
        ImportTakenOver, TransientError: as `take_in`.
    """
    files_of = list_files(sources, current)
    begun = time.monotonic()
    if current.found == 0:
        for source in sources:
            source.check()
    rules = ImportOptions.from_json(current.options).rules
    retry = _Retry(current, files_of, pace, begun)
    yield from retry.outcomes()
    if retry.is_cut_short:
        return
    if current.is_read:
        end = partial(record, current, (), current.passed_over, end=State.FINISHED)
        patiently(end, for_s=pace.patience_s)
        return
    passed_over: Counter[str] = Counter()
    files = _not_recorded(current, files_of, passed_over)
    if pace.turn_s is not None:
        turn_s = min(_MAX_TURN_S, max(pace.turn_s, time.monotonic() - begun))
        pace = replace(pace, turn_s=turn_s)
    if current.is_careful:
        is_cut_short = yield from _one_by_one(current, files, passed_over, rules, pace)
        if is_cut_short:
            return
    yield from take_in(current, files, passed_over=passed_over, rules=rules, pace=pace)


def _not_recorded(
    current: Import, files_of: ListFiles, passed_over: Counter[str]
) -> Iterator[SourceFile]:
    """Return the files from the first that is not recorded on; those before are not read.

    Where the last file that was recorded is not where it was, the source has changed: all of it is
    looked at once more, and what is there already is found by its hash.
    """
    files = files_of(passed_over)
    if not current.found:
        return files
    last = next(islice(files, current.found - 1, current.found), None)
    if last is not None and kept_name(last.name) == current.last_name:
        return files
    patiently(partial(_start_over, current))
    passed_over.clear()
    return files_of(passed_over)


@transaction.atomic
def _start_over(current: Import) -> None:
    Import.objects.filter(pk=current.pk, runs=current.runs).update(
        found=0, added=0, duplicates=0, binned=0, failed=0, last_name=""
    )
    current.failures.all().delete()
    current.refresh_from_db()


def _one_by_one(
    current: Import,
    files: Iterator[SourceFile],
    passed_over: Counter[str],
    rules: MetadataRules,
    pace: Pace,
) -> Generator[Outcome, None, bool]:
    """Take in as many files as a run may die over, and record each; return whether to end there."""
    begun = time.monotonic()
    try:
        with Intake(current, rules, passed_over, patience_s=pace.patience_s) as intake:
            for file in islice(files, _SUSPECTS):
                taken = _take_in_suspect(intake, current, file)
                yield from taken.told()
                if not taken.goes_on or is_over(pace, begun):
                    return True
    except BaseException:
        end = partial(record, current, (), passed_over, end=State.INTERRUPTED)
        patiently(end, for_s=0)
        raise
    ours = Import.objects.filter(pk=current.pk, runs=current.runs)
    patiently(partial(ours.update, is_careful=False), for_s=pace.patience_s)
    return False


def _take_in_suspect(
    intake: Intake, current: Import, file: SourceFile, *, retried: Sequence[int] = ()
) -> Taken:
    """Take in a file, having said so first: if this run dies, the next one knows of what.

    Raises:
        ImportTakenOver, TransientError: as `Intake.finish`, and another run has begun.
    """
    name = kept_name(file.name)
    deaths = current.deaths if current.suspect == name else 0
    if deaths >= _MAX_DEATHS:
        read = ReadFile(file, error=DefectError("image:ours:ends-worker"))
        return intake.finish(intake.begin([read]), retried=retried)
    ours = Import.objects.filter(pk=current.pk, runs=current.runs)
    if not patiently(partial(ours.update, suspect=name, deaths=deaths + 1)):
        raise ImportTakenOver(current)
    try:
        taken = intake.finish(intake.begin([read_file(file)]), retried=retried)
        if isinstance(taken.failure, AppError | Error):
            raise taken.failure
    except (AppError, Error, KeyboardInterrupt):  # it was not the file
        with suppress(Error):
            ours.update(suspect="", deaths=0)
        raise
    return taken


class _Retry:
    """Failures that are tried again: the source is gone through, and only their files are read."""

    def __init__(self, current: Import, files_of: ListFiles, pace: Pace, begun: float) -> None:
        self._current = current
        self._files_of = files_of
        self._pace = pace
        self._begun = begun
        self._rules = ImportOptions.from_json(current.options).rules
        self.is_cut_short = False

    def outcomes(self) -> Iterator[Outcome]:
        """Yield each one's end; what is not in the source any more is refused as missing."""
        current, patience_s = self._current, self._pace.patience_s
        with Intake(current, self._rules, current.passed_over, patience_s=patience_s) as intake:
            while not self.is_cut_short and (wanted := self._wanted()):
                yield from self._through(wanted, intake)
                if not self.is_cut_short:
                    rest = [pk for ids in wanted.values() for pk in ids]
                    ImportFailure.objects.filter(pk__in=rest).update(
                        retry_at=None, error_code="file:user:missing", context={}
                    )

    def _wanted(self) -> dict[str, list[int]]:
        """Return name → ids of failures to be tried again."""
        waiting = self._current.failures.filter(retry_at__isnull=False).order_by("pk")
        wanted: dict[str, list[int]] = defaultdict(list)
        for pk, name in waiting.values_list("pk", "name")[:_RETRIES]:
            wanted[name].append(pk)
        return wanted

    def _through(self, wanted: dict[str, list[int]], intake: Intake) -> Iterator[Outcome]:
        passed_over: Counter[str] = Counter()
        # What comes after the cursor was never tried.
        for file in islice(self._files_of(passed_over), self._current.found):
            ids = wanted.get(kept_name(file.name))
            if not ids:
                continue
            taken = _take_in_suspect(intake, self._current, file, retried=[ids.pop(0)])
            yield from taken.told()
            if not taken.goes_on or is_over(self._pace, self._begun):
                self.is_cut_short = True
                return
