"""A worker's view of its job: claim it, keep it alive, end it; and the sweep of all of them."""

from dataclasses import dataclass
from uuid import UUID

from audit_log import services as audit_log
from catalog import services as catalog
from ingestion import services as ingestion
from jobs import models
from jobs import services as jobs
from watches.checks import enqueue_watch_checks

HEARTBEAT_S = jobs.HEARTBEAT_S
Delivery = models.Delivery
JobTakenOver = jobs.JobTakenOver


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one sweep did.

    Messages sent again, dead jobs recovered, images handed out, dead imports closed, imports given
    a turn or forgotten; whether payloads, new images that are to be compared, or what is watched,
    waited without a job; how many bulk edits did; how many images left the bin for good, and how
    many entries the audit log, their time being over.
    """

    resent: int
    recovered: int
    requeued_images: int
    closed_imports: int
    imports: int
    resumed_payloads: bool
    resumed_checks: bool
    resumed_watches: bool
    resumed_edits: int
    purged_images: int
    expired_entries: int


def check(delivery: Delivery) -> None:
    """Raise `JobTakenOver` where another worker has the job."""
    jobs.check(delivery)


def claim(job_id: UUID) -> Delivery:
    """Take the job.

    Raises:
        ConflictError: "job:conflict:not-queued": done already, or another worker has it.
    """
    return jobs.claim(job_id)


# What follows returns False, and changes nothing, where the job was taken over.


def heartbeat(delivery: Delivery) -> bool:
    """Say that this worker is still at it."""
    return jobs.heartbeat(delivery)


def succeed(delivery: Delivery) -> bool:
    """End the job well."""
    return jobs.finish(delivery)


def fail(delivery: Delivery, *, error_code: str) -> bool:
    """End the job badly, for a reason that lies in none of its images."""
    return jobs.finish(delivery, error_code=error_code)


def give_back(delivery: Delivery, *, error_code: str) -> bool:
    """Return the job because a part of the system is away; the sweeper sends it again."""
    return jobs.give_back(delivery, error_code=error_code)


def crashed(delivery: Delivery) -> bool:
    """Return the job after a failure nobody expected: halved, tried again, or given up."""
    return jobs.recover(delivery, on_dead=catalog.give_up_or_split) is not None


def sweep() -> Sweep:
    """Mend what died, and hand out what waits: see the services that are called."""
    swept = jobs.sweep(on_dead=catalog.give_up_or_split)
    edits = catalog.resume_bulk_edits()
    purged = catalog.purge_expired()
    requeued = catalog.requeue_stalled() + catalog.redelete_stalled()
    return Sweep(
        resent=swept.resent,
        recovered=swept.recovered,
        requeued_images=requeued,
        closed_imports=ingestion.close_abandoned(),
        imports=ingestion.hand_out_imports() + ingestion.forget_ended(),
        resumed_edits=edits,
        purged_images=purged,
        expired_entries=audit_log.delete_expired(),
        resumed_payloads=catalog.enqueue_due_payloads(),
        resumed_checks=catalog.enqueue_copy_checks(),
        resumed_watches=enqueue_watch_checks(),
    )
