"""Bulk ingestion: one way in for every source."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from catalog.selectors import are_more_waiting_than
from catalog.services import CHUNK_SIZE
from config.logs import log_fields
from ingestion.models import Import
from ingestion.services.files import (
    ImportOptions,
    MetadataRules,
    Outcome,
    Result,
    take_in_one,
)
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
from metrics.definitions import FILES_TAKEN_IN

T = TypeVar("T")

# A chunk is recorded after so long even where it is not full: what is paused stops soon, also where
# every file comes from a slow site.
_CHUNK_S = 10.0
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
            source=source[:1000], options=options.to_json(), started_by_id=started_by_id, runs=1
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
    the bulk queue in chunks while the rest is still being read. A pause or a cancellation counts
    from the end of the chunk. Run again after an interruption, it finds what is there already and
    goes on.

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
    step = partial(_step, current, pace.patience_s)
    passed_over = {} if passed_over is None else passed_over
    chunk = _Chunk()
    started = time.monotonic()
    end: str | None = State.INTERRUPTED
    try:
        goes_on = _find_room(current, pace)
        for file in files if goes_on else ():
            outcome = chunk.add(step(partial(take_in_one, current, file, rules)))
            if chunk.is_due():
                goes_on = step(partial(record, current, chunk.outcomes, passed_over))
                chunk = _Chunk()
                goes_on = goes_on and not is_over(pace, started) and _find_room(current, pace)
            code = "" if outcome.error is None else outcome.error.code
            FILES_TAKEN_IN.labels(outcome.result, code).inc()
            yield outcome
            if not goes_on:
                break
        end = State.FINISHED if goes_on else None
    except ImportTakenOver:
        end = None
        raise
    finally:
        if end is not None:
            last = partial(record, current, chunk.outcomes, passed_over, end=end)
            step(last, for_s=0 if end == State.INTERRUPTED else None)


def is_over(pace: Pace, started: float) -> bool:
    """Whether a run's turn is over that began then, by the monotonic clock."""
    return pace.turn_s is not None and time.monotonic() - started > pace.turn_s


def _step(
    current: Import, patience_s: float, work: Callable[[], T], *, for_s: float | None = None
) -> T:
    # Around each step, not around all: what runs between them is the caller's.
    with log_fields(import_id=str(current.pk)):
        return patiently(work, for_s=patience_s if for_s is None else for_s)


@dataclass(slots=True)
class _Chunk:
    """What has been taken in and is not recorded yet."""

    outcomes: list[Outcome] = field(default_factory=list)
    _ids: set[UUID | None] = field(default_factory=set)
    _begun: float = field(default_factory=time.monotonic)

    def add(self, outcome: Outcome) -> Outcome:
        """Keep and return an outcome; what the chunk has added already is not added again."""
        if outcome.result is Result.ADDED and outcome.image_id in self._ids:
            outcome = replace(outcome, result=Result.DUPLICATES)
        self._ids.add(outcome.image_id)
        self.outcomes.append(outcome)
        return outcome

    def is_due(self) -> bool:
        is_old = time.monotonic() - self._begun > _CHUNK_S
        return is_old or len(self.outcomes) == CHUNK_SIZE


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
