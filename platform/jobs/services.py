"""What may change a job: claim, heartbeat, finish, give back, sweep."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from jobs import dispatch
from jobs.models import Delivery, JobRecord
from kernel.errors import ConflictError, TransientError
from metrics.definitions import QUEUE_WAIT_SECONDS

logger = logging.getLogger(__name__)

# A running job says so every HEARTBEAT_S; after DEAD_AFTER_S of silence its worker is gone.
HEARTBEAT_S = 5
DEAD_AFTER_S = 30
# A message younger than this may still be on its way.
LOST_AFTER_S = 20
# A job that ended its worker this often is not tried again.
MAX_TRIES = 3
KEEP_FINISHED = timedelta(days=7)
# Rows one sweep handles, so that it stays short after a long outage; the next one goes on.
SWEEP_LIMIT = 500

State = JobRecord.State


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did, in jobs."""

    resent: int
    recovered: int


class JobTakenOver(ConflictError):
    """The worker was silent for so long that its job went back to the queue without it."""

    def __init__(self, delivery: Delivery) -> None:
        job_id, number = str(delivery.job_id), delivery.number
        super().__init__("job:conflict:taken-over", job_id=job_id, delivery=number)


@transaction.atomic
def claim(job_id: UUID) -> Delivery:
    """Take a queued job for this worker.

    Raises:
        ConflictError: "job:conflict:not-queued": it is done, or another worker has it.
    """
    now = timezone.now()
    claimed = JobRecord.objects.filter(pk=job_id, state=State.QUEUED).update(
        state=State.RUNNING,
        started_at=now,
        heartbeat_at=now,
        deliveries=F("deliveries") + 1,
        error_code="",  # of the try before
    )
    if not claimed:
        raise ConflictError("job:conflict:not-queued", job_id=str(job_id))
    # In the same transaction, so that it is the number of this claim and of no later one.
    job = JobRecord.objects.get(pk=job_id)
    waited = now - (job.sent_at or job.created_at)  # a worker may be faster than the note of it
    QUEUE_WAIT_SECONDS.labels(job.queue).observe(max(0.0, waited.total_seconds()))
    return job.delivery


def heartbeat(delivery: Delivery) -> bool:
    """Say that the job's worker is alive; False where the job is no longer this delivery's."""
    return bool(_held(delivery).update(heartbeat_at=timezone.now()))


def check(delivery: Delivery) -> None:
    """Raise `JobTakenOver` where the job is no longer this delivery's."""
    if not _held(delivery).exists():
        raise JobTakenOver(delivery)


def hold(delivery: Delivery) -> bool:
    """Keep others from taking the job over in this transaction; False where one has already."""
    return bool(_held(delivery).select_for_update())


def finish(delivery: Delivery, *, error_code: str = "") -> bool:
    """End a job; it failed where an error code is given.

    Returns:
        False where the job is no longer this delivery's: nothing was changed.
    """
    ended = _held(delivery).update(
        state=State.FAILED if error_code else State.SUCCEEDED,
        error_code=error_code,
        finished_at=timezone.now(),
    )
    return bool(ended)


def give_back(delivery: Delivery, *, error_code: str) -> bool:
    """Return a job whose failure will pass: the sweeper sends it again.

    Returns:
        False where the job is no longer this delivery's: nothing was changed.
    """
    returned = _held(delivery).update(
        state=State.QUEUED,
        error_code=error_code,
        sent_at=timezone.now(),
        given_back=F("given_back") + 1,
    )
    return bool(returned)


def _held(delivery: Delivery) -> QuerySet[JobRecord]:
    """The job, as long as it is this delivery's."""
    return JobRecord.objects.filter(
        pk=delivery.job_id, deliveries=delivery.number, state=State.RUNNING
    )


def sweep(*, on_dead: Callable[[JobRecord], None]) -> Swept:
    """Send lost messages again, recover jobs whose worker died, forget old ones.

    Args:
        on_dead: decides about a job that has used up its tries or holds several items; it runs
            inside the transaction that locks the row.
    """
    recovered = _recover_dead(on_dead)
    resent = sum(_resend_lost(queue) for queue in _queues_waiting())
    old = timezone.now() - KEEP_FINISHED
    JobRecord.objects.filter(finished_at__lt=old).delete()
    return Swept(resent=resent, recovered=recovered)


def recover(delivery: Delivery, *, on_dead: Callable[[JobRecord], None]) -> JobRecord | None:
    """Decide about a job that ended badly; return it, or None if it is no longer the delivery's."""
    return _recover(_held(delivery), delivery.job_id, on_dead)


def _recover(
    candidates: QuerySet[JobRecord], job_id: UUID, on_dead: Callable[[JobRecord], None]
) -> JobRecord | None:
    with transaction.atomic():
        job = candidates.select_for_update().filter(pk=job_id).first()
        if job is None:
            return None
        on_dead(job)
        job.refresh_from_db()
        if job.state == State.RUNNING:
            _requeue(job)
    logger.warning("job recovered", extra={"job_id": str(job_id), "state": job.state})
    return job


def _recover_dead(on_dead: Callable[[JobRecord], None]) -> int:
    silent = timezone.now() - timedelta(seconds=DEAD_AFTER_S)
    dead = JobRecord.objects.filter(state=State.RUNNING, heartbeat_at__lt=silent)
    ids = list(dead.values_list("pk", flat=True)[:SWEEP_LIMIT])
    return sum(_recover(dead, job_id, on_dead) is not None for job_id in ids)


def _requeue(job: JobRecord) -> None:
    job.state = State.QUEUED
    job.sent_at = None
    job.save(update_fields=("state", "sent_at"))
    transaction.on_commit(lambda: dispatch.send(job))


def finish_as_split(job: JobRecord) -> None:
    """End a job in whose place smaller ones were enqueued."""
    JobRecord.objects.filter(pk=job.pk).update(state=State.SPLIT, finished_at=timezone.now())


def _queues_waiting() -> list[str]:
    queued = JobRecord.objects.filter(state=State.QUEUED).order_by()
    return list(queued.values_list("queue", flat=True).distinct())


def _resend_lost(queue: str) -> int:
    """Send queued jobs again if the broker has no message left for any of them.

    A long queue is no loss: its oldest message may be hours old. So only an empty queue in front
    of rows that wait is one, and a copy too many finds its job done.
    """
    try:
        if dispatch.waiting_messages(queue):
            return 0
    except TransientError:
        return 0  # the broker is away; the next sweep looks again
    overdue = timezone.now() - timedelta(seconds=LOST_AFTER_S)
    lost = JobRecord.objects.filter(state=State.QUEUED, queue=queue).filter(
        Q(sent_at__lt=overdue) | Q(sent_at=None, created_at__lt=overdue)
    )
    return sum(dispatch.send(job) for job in lost.order_by("created_at")[:SWEEP_LIMIT])
