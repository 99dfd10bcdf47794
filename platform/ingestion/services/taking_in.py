"""Bulk ingestion: one way in for every source."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from django.db import transaction

from catalog.selectors import are_more_waiting_than
from config.logs import log_fields
from ingestion.models import Import
from ingestion.services.chunks import Intake, one_ahead, read_chunks
from ingestion.services.files import ImportOptions, MetadataRules, Outcome
from ingestion.services.recording import (
    ImportTakenOver,
    State,
    audit_start,
    record,
    record_waiting,
)
from ingestion.sources import SourceFile
from jobs.selectors import is_worked_on
from kernel.database import patiently
from kernel.errors import TransientError
from kernel.task_names import INDEX_IMAGES

# While too many pictures wait, how often a run looks, and how long where no worker is at them.
_LOOK_EVERY_S = 1.0
_NO_WORKER_S = 60.0


def _say_nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Pace:
    """How a run leaves room for others.

    Attributes:
        max_waiting: so many pictures may wait to be indexed, whoever brought them; 0 is no limit.
        waits: whether it waits while more do; else it ends, and the import stays running.
        turn_s: it ends after so long, and the import stays running; None goes on to the end.
        on_waiting: called each time that it looks and has to wait still.
        patience_s: how long each step waits for SQL that is away or locked.
    """

    max_waiting: int = 0
    waits: bool = True
    turn_s: float | None = None
    on_waiting: Callable[[], object] = _say_nothing
    patience_s: float = 0


def start_import(
    source: str,
    *,
    options: ImportOptions = ImportOptions(),  # noqa: B008  # it is frozen
    started_by_id: int | None = None,
) -> Import:
    """Record the start of an import of files that only its caller can read."""
    with transaction.atomic():
        current = Import.objects.create(
            source=source[:1000],
            options=options.to_json(),
            started_by_id=started_by_id,
            by_account=started_by_id is not None,
            runs=1,
        )
        audit_start(current)
    return current


def take_in(
    current: Import,
    files: Iterable[SourceFile],
    *,
    passed_over: Mapping[str, int] | None = None,
    rules: MetadataRules = MetadataRules(),  # noqa: B008  # it is frozen
    pace: Pace = Pace(),
) -> Iterator[Outcome]:
    """Take in every file; yield each one's end as it comes, in order.

    A bad file is recorded as an ImportFailure and never stops the others. Pictures are handed to
    the bulk queue in chunks while the rest is still being read: the next chunk is read while one is
    added. A pause or a cancellation counts from the end of the chunk that is being added. Run again
    after an interruption, it finds what is there already and goes on.

    Args:
        current: the import that counts them.
        files: what is taken in, asked for one by one.
        passed_over: kind → how many files the source has passed over so far.
        rules: what is done with what is said of the pictures.
        pace: how it leaves room for others.

    Raises:
        ImportTakenOver: another run of the import has begun.
        TransientError: the storage or SQL is full or out of reach, or no worker is describing
            pictures. The import is left interrupted and what was taken in so far is kept and will
            be indexed.
    """
    passed_over = {} if passed_over is None else passed_over
    started = time.monotonic()
    end: str | None = State.INTERRUPTED
    try:
        goes_on = _find_room(current, pace)
        with Intake(current, rules, passed_over, patience_s=pace.patience_s) as intake:
            chunks = one_ahead(map(intake.begin, read_chunks(files)))
            for number, chunk in enumerate(chunks if goes_on else ()):
                if number:
                    goes_on = not is_over(pace, started) and _find_room(current, pace)
                    if not goes_on:
                        break
                taken = intake.finish(chunk)
                yield from taken.told()
                goes_on = taken.goes_on
                if not goes_on:
                    break
        end = State.FINISHED if goes_on else None
    except ImportTakenOver:
        end = None
        raise
    finally:
        if end is not None:
            last = partial(record, current, (), passed_over, end=end)
            with log_fields(import_id=str(current.pk)):
                patiently(last, for_s=0 if end == State.INTERRUPTED else pace.patience_s)


def is_over(pace: Pace, started: float) -> bool:
    """Whether a run's turn is over that began then, by the monotonic clock."""
    return pace.turn_s is not None and time.monotonic() - started > pace.turn_s


def _find_room(current: Import, pace: Pace) -> bool:
    """Wait until few enough pictures wait to be indexed; return whether the run goes on.

    Raises:
        ImportTakenOver: another run has begun.
        TransientError: "import:transient:no-workers".
    """
    moved_at = time.monotonic()
    while pace.max_waiting and patiently(
        partial(are_more_waiting_than, pace.max_waiting), for_s=pace.patience_s
    ):
        goes_on = patiently(partial(record_waiting, current), for_s=pace.patience_s)
        if not (goes_on and pace.waits):
            return False
        if is_worked_on(INDEX_IMAGES):
            moved_at = time.monotonic()
        if time.monotonic() - moved_at > _NO_WORKER_S:
            raise TransientError("import:transient:no-workers")
        pace.on_waiting()
        time.sleep(_LOOK_EVERY_S)
    return True
