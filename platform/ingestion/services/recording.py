"""What a run has done, recorded chunk by chunk: counts, failures, where to go on, new pictures."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from django.db import transaction
from django.utils import timezone

from audit_log import services as audit_log
from audit_log.models import AuditEntry
from catalog import services as catalog
from catalog.models import Image
from ingestion.models import Import, ImportFailure
from ingestion.services.files import Outcome, Result
from kernel.errors import ConflictError

State = Import.State
# States in which a run goes on. The sweep calls one that was only slow interrupted.
GOING_ON = (State.RUNNING, State.INTERRUPTED)
# The rate is that of the files of so long, older ones counting less.
_RATE_OF_S = 60.0
_NAME_CHARS = 1000


class ImportTakenOver(ConflictError):
    """Another run has begun meanwhile: what this one did since it last recorded is the other's."""

    def __init__(self, current: Import) -> None:
        super().__init__("import:conflict:taken-over", import_id=str(current.pk))


def audit_start(current: Import) -> None:
    """Tell the audit log that an import was started."""
    audit_log.record(AuditEntry.Action.STARTED, current, actor_id=current.started_by_id)


def audit_end(current: Import) -> None:
    """Tell the audit log how an import has ended, and what it counts."""
    counts = {name: getattr(current, name) for name in ("found", *Result)}
    audit_log.record(
        AuditEntry.Action.ENDED,
        current,
        actor_id=current.started_by_id,
        details={"state": str(current.state), **counts},
    )


def kept_name(name: str) -> str:
    """Return a file's name as it is recorded."""
    return name[:_NAME_CHARS]


def hold(current: Import) -> Import:
    """Return an import's row, kept for this transaction.

    Raises:
        ImportTakenOver: another run has begun.
    """
    row = Import.objects.select_for_update().get(pk=current.pk)
    if row.runs != current.runs:
        raise ImportTakenOver(current)
    return row


@transaction.atomic
def record(
    current: Import,
    outcomes: Sequence[Outcome],
    passed_over: Mapping[str, int],
    *,
    end: str | None = None,
    retried: Collection[int] = (),
) -> bool:
    """Add a chunk to the import and hand its new pictures to the workers.

    Args:
        current: the import, as its run began it.
        outcomes: in the order of the source.
        passed_over: kind → how many files the source has passed over so far.
        end: the state that the run ends in, where it ends. Who paused or cancelled it meanwhile is
            obeyed, but for a pause that came after the last file.
        retried: ids of the failures that the outcomes stand for, where they were tried again.

    Returns:
        Whether the run is to go on.

    Raises:
        ImportTakenOver: nothing was recorded.
    """
    row = hold(current)
    now = timezone.now()
    if outcomes:
        _count(row, outcomes, retried)
    row.passed_over = dict(passed_over)
    row.touched_at, row.is_waiting = now, False
    is_going_on = row.state in GOING_ON
    if end == State.FINISHED:
        row.is_read = True
        if row.failures.filter(retry_at__isnull=False).exists():
            end = State.RUNNING  # that was asked for during this run: the next one sees to it
    if is_going_on or (end, row.state) == (State.FINISHED, State.PAUSED):
        row.state = State(end or State.RUNNING)
        row.finished_at = None if row.state == State.RUNNING else now
    row.save()
    if end is not None and row.state == end:
        audit_end(row)
    _hand_out(row, outcomes)
    return end is None and is_going_on


def _count(row: Import, outcomes: Sequence[Outcome], retried: Collection[int]) -> None:
    counts = Counter(outcome.result for outcome in outcomes)
    for result in Result:
        setattr(row, result.value, getattr(row, result.value) + counts[result])
    if retried:
        ImportFailure.objects.filter(pk__in=retried).delete()
        row.failed -= len(retried)
    else:
        row.found += len(outcomes)
        row.last_name = kept_name(outcomes[-1].name)
        _time(row, len(outcomes))
    row.tries, row.suspect, row.deaths = 0, "", 0
    ImportFailure.objects.bulk_create(
        ImportFailure(
            of=row,
            name=kept_name(outcome.name),
            error_code=outcome.error.code,
            context={name: str(value) for name, value in outcome.error.context.items()},
        )
        for outcome in outcomes
        if outcome.error is not None
    )


def _time(row: Import, files: int) -> None:
    now = timezone.now()
    seconds = max(1e-3, (now - (row.recorded_at or row.created_at)).total_seconds())
    latest = files / seconds
    before = latest if row.rate is None else row.rate
    row.rate = before + (latest - before) * (1 - math.exp(-seconds / _RATE_OF_S))
    row.recorded_at = now


def _hand_out(row: Import, outcomes: Sequence[Outcome]) -> None:
    links = Import.images.through
    ids = {outcome.image_id for outcome in outcomes if outcome.image_id}
    # Locked, since an image whose file was there already may be deleted at any time; by id, as
    # `catalog.services.waiting.lock` says.
    images = Image.objects.filter(pk__in=ids).order_by("pk").select_for_update()
    links.objects.bulk_create(
        [links(import_id=row.pk, image_id=pk) for pk in images.values_list("pk", flat=True)],
        ignore_conflicts=True,
    )
    new = (outcome.image_id for outcome in outcomes if outcome.result is Result.ADDED)
    catalog.enqueue_indexing([pk for pk in new if pk is not None])


def record_waiting(current: Import) -> bool:
    """Say that a run lives, and waits for the workers; return whether it is to go on.

    Raises:
        ImportTakenOver: another run has begun.
    """
    ours = Import.objects.filter(pk=current.pk, runs=current.runs)
    touched = ours.filter(state__in=GOING_ON).update(
        state=State.RUNNING,
        finished_at=None,
        touched_at=timezone.now(),
        is_waiting=True,
        tries=0,  # waiting is no failure
    )
    if not touched and not ours.exists():
        raise ImportTakenOver(current)
    return bool(touched)
