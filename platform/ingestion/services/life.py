"""An import's life: asked for, started, paused, resumed, cancelled, tried again, swept.

Who pauses or cancels changes the row alone: whoever runs the import sees it at its next chunk.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from catalog.selectors import are_more_waiting_than
from ingestion.models import Import, ImportFailure
from ingestion.services.copies import take_in_copies
from ingestion.services.files import ImportOptions
from ingestion.services.opening import (
    UPLOAD,
    absolute,
    delete_upload,
    keep_upload,
    open_for_workers,
)
from ingestion.services.plans import ImportPlan, refuse_to_fill_the_disk
from ingestion.services.recording import State, audit_end, audit_start
from jobs import dispatch
from jobs.models import Delivery, JobRecord
from kernel import task_names
from kernel.errors import AppError, TransientError, UserInputError

logger = logging.getLogger(__name__)

# An import that has recorded nothing for so long has lost its process: a chunk of the largest
# pictures takes some minutes.
ABANDONED_AFTER = timedelta(minutes=10)
# What was planned and is not started is cancelled, for the files that it keeps.
_KEEP_PLANNED = timedelta(days=1)
# A run that was just cancelled may still read the files of its form.
_KEEP_ENDED = timedelta(minutes=5)
# After a job that ended without finishing, the next one waits so long.
_RETRY_AFTER = timedelta(seconds=60)
# Of unfinished imports, so many of the latest are looked at for one to go on with.
_LOOKED_AT = 100
_LIVE = (JobRecord.State.QUEUED, JobRecord.State.RUNNING)

# What a person may do in which state.
PAUSABLE = (State.RUNNING,)
RESUMABLE = (State.PAUSED, State.FAILED, State.INTERRUPTED)
CANCELLABLE = (State.PLANNED, State.RUNNING, State.PAUSED, State.FAILED, State.INTERRUPTED)
RETRIABLE = (State.RUNNING, State.PAUSED, State.FINISHED, State.FAILED, State.INTERRUPTED)


def plan_import(
    *,
    source: str = "",
    uploads: Sequence["UploadedFile[Any]"] = (),
    options: ImportOptions,
    started_by_id: int | None,
) -> Import:
    """Record an import of one source or of a form's files, and have a worker plan it.

    Raises:
        UserInputError: the source is none, or may not be read by workers.
        TransientError: the storage is full or out of reach; the import is cancelled.
    """
    name = UPLOAD if uploads else open_for_workers(source).name
    # The row comes before the files, so that no file is without one; workers get it with the last.
    current = Import.objects.create(
        source=name[:1000],
        sources=[] if uploads else [absolute(source)],
        has_upload=bool(uploads),
        options=options.to_json(),
        state=State.PLANNED,
        started_by_id=started_by_id,
        by_account=started_by_id is not None,
    )
    try:
        keep_upload(current, uploads)
    except TransientError:
        cancel(current)
        raise
    with transaction.atomic():
        current.by_workers = True
        current.save(update_fields=("by_workers",))
        _enqueue(current)
    return current


def record_import(
    sources: Sequence[str], *, name: str, options: ImportOptions, started_by_id: int | None = None
) -> Import:
    """Record an import that a command runs itself, from its own machine's files.

    Args:
        sources: what `recognise` takes, absolute.
        name: what people are shown.
        options: all that it is told beside.
        started_by_id: whose it is.
    """
    with transaction.atomic():
        current = Import.objects.create(
            source=name[:1000],
            sources=list(sources),
            options=options.to_json(),
            state=State.INTERRUPTED,
            started_by_id=started_by_id,
            by_account=started_by_id is not None,
        )
        audit_start(current)
    return current


def find_interrupted(
    sources: Sequence[str], options: ImportOptions, *, was_killed: Callable[[UUID], bool]
) -> Import | None:
    """Return the latest import of the same sources and options that a command did not end.

    Args:
        sources: as in `record_import`.
        options: likewise.
        was_killed: whether the process is gone of one that is still called running.
    """
    asked = (list(sources), options)
    unfinished = Import.objects.filter(
        state__in=(State.INTERRUPTED, State.RUNNING), by_workers=False, listed_files=None
    )
    return next(
        (
            each
            for each in unfinished[:_LOOKED_AT]
            if (each.sources, ImportOptions.from_json(each.options)) == asked
            and (each.state == State.INTERRUPTED or was_killed(each.pk))
        ),
        None,
    )


@transaction.atomic
def start(current: Import) -> bool:
    """Have workers run what was planned; False where it is not planned, or no more.

    Raises:
        UserInputError: "import:user:disk-full".
    """
    planned = Import.objects.filter(pk=current.pk, state=State.PLANNED, plan__isnull=False)
    row = planned.select_for_update().first()
    if row is None:
        return False
    refuse_to_fill_the_disk(ImportPlan.from_json(row.plan or {}))
    audit_start(row)
    return _run_by_workers(planned)


def pause(current: Import) -> bool:
    """Have it stop at its next chunk; False where it does not run."""
    running = Import.objects.filter(pk=current.pk, state__in=PAUSABLE)
    return bool(running.update(state=State.PAUSED, is_waiting=False))


@transaction.atomic
def resume(current: Import) -> bool:
    """Have workers go on with it, whoever ran it before; False where there is nothing to resume.

    Where it has no plan since that failed, they make one.

    Raises:
        UserInputError: it has no source that they may read: see `opening.open_for_workers`.
    """
    row = Import.objects.select_for_update().get(pk=current.pk)
    _refuse_unreadable(row)
    has_no_plan = row.by_workers and row.plan is None and not row.found
    return _run_by_workers(
        Import.objects.filter(pk=current.pk, state__in=RESUMABLE),
        state=State.PLANNED if has_no_plan else State.RUNNING,
    )


@transaction.atomic
def cancel(current: Import) -> bool:
    """End it at its next chunk; what was taken in stays. False where it has ended already."""
    open_ones = Import.objects.filter(pk=current.pk, state__in=CANCELLABLE)
    now = timezone.now()
    cancelled = open_ones.update(
        state=State.CANCELLED, finished_at=now, touched_at=now, is_waiting=False
    )
    if cancelled:
        audit_end(Import.objects.get(pk=current.pk))
    return bool(cancelled)


@transaction.atomic
def retry(current: Import, failures: QuerySet[ImportFailure], *, by_id: int | None = None) -> int:
    """Have workers try refused files once more, and take copies in at once; return how many.

    A command that runs is not joined: its files are left then.

    Args:
        current: the import.
        failures: what it refused; others' are left alone.
        by_id: the account that asks.

    Raises:
        UserInputError: as `resume`, where no copy was taken in.
    """
    row = Import.objects.select_for_update().get(pk=current.pk)
    taken_in = take_in_copies(row, failures.filter(of=current), by_id=by_id)
    try:
        _refuse_unreadable(row)
    except UserInputError:
        if taken_in:  # which needs nothing read
            return taken_in
        raise
    is_of_a_command = row.state == State.RUNNING and not row.by_workers
    if row.state not in RETRIABLE or is_of_a_command:
        return taken_in
    marked = failures.filter(of=current).update(retry_at=timezone.now())
    if marked and row.state not in {State.RUNNING, State.PAUSED}:
        _run_by_workers(Import.objects.filter(pk=current.pk))
    return taken_in + marked


@transaction.atomic
def fail(current: Import, error: AppError) -> None:
    """End a run that cannot go on until a person has mended something."""
    ours = Import.objects.filter(pk=current.pk, runs=current.runs).exclude(state=State.CANCELLED)
    failed = ours.update(
        state=State.FAILED,
        finished_at=timezone.now(),
        error_code=error.code,
        error_context={name: str(value) for name, value in error.context.items()},
    )
    if failed:
        audit_end(Import.objects.get(pk=current.pk))


@transaction.atomic
def close_abandoned() -> int:
    """Mark as interrupted the imports whose process is gone; return how many.

    One that was only slow marks itself finished at its end.
    """
    now = timezone.now()
    abandoned = Import.objects.filter(
        state=State.RUNNING, by_workers=False, touched_at__lt=now - ABANDONED_AFTER
    )
    found = list(abandoned.select_for_update())
    for current in found:
        current.state, current.finished_at = State.INTERRUPTED, now
        current.save(update_fields=("state", "finished_at"))
        audit_end(current)
    return len(found)


def forget_ended() -> int:
    """Cancel plans that nobody starts, remove the files of forms whose import ended; count both."""
    now = timezone.now()
    planned = Import.objects.filter(state=State.PLANNED, created_at__lt=now - _KEEP_PLANNED)
    forgotten = planned.update(state=State.CANCELLED, finished_at=now)
    ended = Import.objects.filter(
        has_upload=True,
        state__in=(State.FINISHED, State.CANCELLED),
        touched_at__lt=now - _KEEP_ENDED,
    ).exclude(failures__retry_at__isnull=False)
    for current in ended[:100]:
        try:
            delete_upload(current)
        except TransientError as error:  # the next sweep tries again
            logger.warning("files of a form stay for now", extra={"code": error.code})
            break
        Import.objects.filter(pk=current.pk).update(has_upload=False)
        forgotten += 1
    return forgotten


@transaction.atomic
def hand_out_imports(*, after: Delivery | None = None) -> int:
    """Give the next turn to the import that has waited longest for one; return how many got one.

    One at a time, so that imports never have all workers; and none while half as many pictures
    wait to be indexed as may. A plan is made at once, since a person waits for it.

    Args:
        after: of the job whose turn is just over.
    """
    jobs = JobRecord.objects.filter(name=task_names.RUN_IMPORT, state__in=_LIVE)
    # One whose source is away keeps no other from its turn.
    jobs = jobs.exclude(state=JobRecord.State.QUEUED, given_back__gt=0)
    if after is not None:
        jobs = jobs.exclude(pk=after.job_id)
    if jobs.exists():
        return 0
    limit = settings.INGEST_MAX_WAITING
    ready = Q(state=State.PLANNED, plan__isnull=True)
    if not (limit and are_more_waiting_than(limit // 2)):
        ready |= Q(state__in=(State.RUNNING, State.INTERRUPTED))
    just_ended = Q(job__finished_at__gt=timezone.now() - _RETRY_AFTER) & ~Q(
        job__state=JobRecord.State.SUCCEEDED
    )
    is_free = Q(job=None) | ~(Q(job__state__in=_LIVE) | just_ended)
    if after is not None:
        is_free |= Q(job=after.job_id)
    found = Import.objects.filter(ready, by_workers=True).filter(is_free)
    current = found.order_by("touched_at").first()
    if current is None:
        return 0
    _enqueue(current)  # where two do so at once, the job that is not the row's finds nothing to do
    return 1


def _run_by_workers(chosen: QuerySet[Import], *, state: str = State.RUNNING) -> bool:
    now = timezone.now()
    started = chosen.update(
        state=state,
        by_workers=True,
        error_code="",
        error_context={},
        finished_at=None,
        touched_at=now,
        recorded_at=now,
        tries=0,
        job=None,
        # Else the run that was paused could go on beside the new one.
        runs=F("runs") + 1,
    )
    if started:
        hand_out_imports()
    return bool(started)


def _enqueue(current: Import) -> None:
    current.job = dispatch.enqueue(task_names.RUN_IMPORT, import_id=str(current.pk))
    Import.objects.filter(pk=current.pk).update(job=current.job)


def _refuse_unreadable(current: Import) -> None:
    if current.has_upload:
        return
    if not current.sources:
        raise UserInputError("import:user:no-source")
    for text in current.sources:
        open_for_workers(text)
