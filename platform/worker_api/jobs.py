"""A worker's view of its job: claim it, keep it alive, end it; and the sweep of all of them."""

from dataclasses import dataclass
from uuid import UUID

from catalog import services as catalog
from ingestion import services as ingestion
from jobs import services as jobs

HEARTBEAT_S = jobs.HEARTBEAT_S


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one sweep did.

    Messages sent again, dead jobs recovered, images handed out, dead imports closed.
    """

    resent: int
    recovered: int
    requeued_images: int
    closed_imports: int


def claim(job_id: UUID) -> None:
    """Take the job.

    Raises:
        ConflictError: "job:conflict:not-queued": done already, or another worker has it.
    """
    jobs.claim(job_id)


def heartbeat(job_id: UUID) -> None:
    """Say that this worker is still at it."""
    jobs.heartbeat(job_id)


def succeed(job_id: UUID) -> None:
    """End the job well."""
    jobs.finish(job_id)


def fail(job_id: UUID, *, error_code: str) -> None:
    """End the job badly, for a reason that lies in none of its images."""
    jobs.finish(job_id, error_code=error_code)


def give_back(job_id: UUID, *, error_code: str) -> None:
    """Return the job because a part of the system is away; the sweeper sends it again."""
    jobs.give_back(job_id, error_code=error_code)


def crashed(job_id: UUID) -> None:
    """Return the job after a failure nobody expected: halved, tried again, or given up."""
    jobs.recover(job_id, on_dead=catalog.give_up_or_split)


def sweep() -> Sweep:
    """Mend what died, and hand out what waits: see the services that are called."""
    swept = jobs.sweep(on_dead=catalog.give_up_or_split)
    requeued = catalog.requeue_stalled() + catalog.redelete_stalled()
    return Sweep(
        resent=swept.resent,
        recovered=swept.recovered,
        requeued_images=requeued,
        closed_imports=ingestion.close_abandoned(),
    )
