"""Images that wait for a job: left to the next sweep, and found by it."""

from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from catalog.models import Image
from jobs.models import JobRecord

# Pictures a job indexes: enough to fill encoder batches, few enough to lose little with a worker.
CHUNK_SIZE = 64
# A queued image that no job has taken for so long is handed to a new one.
STALLED_AFTER = timedelta(seconds=60)
# Images one sweep hands out, so that it stays short; the next one goes on.
STALLED_LIMIT = 10_000


def lock(images: QuerySet[Image]) -> None:
    """Keep the rows of images for this transaction, in the order of their ids.

    Whoever writes several locks them so first: two that lock the same ones in different orders
    wait for each other. Where writers wait in any case, as in SQLite, nothing is done.
    """
    if connection.features.has_select_for_update:
        rows = Image.objects.filter(pk__in=images.order_by().values("pk"))
        for _ in rows.order_by("pk").select_for_update().values_list("pk").iterator():
            pass


@transaction.atomic
def leave_to_sweep(images: QuerySet[Image], status: str) -> int:
    """Give images that status, without a job; return how many.

    Those being deleted are left alone.
    """
    lock(images)
    return images.exclude(status=Image.Status.DELETING).update(
        status=status,
        error_code="",
        job=None,
        queued_at=timezone.now() - STALLED_AFTER,  # overdue, so that no sweep passes them over
    )


def list_stalled(status: str) -> list[UUID]:
    """Return images of that status that wait too long without a live job, the oldest first.

    Where a job has failed, it is the time since it was made that keeps the next from following at
    every sweep.
    """
    live = (JobRecord.State.QUEUED, JobRecord.State.RUNNING)
    stalled = (
        Image.objects.filter(status=status, queued_at__lte=timezone.now() - STALLED_AFTER)
        .filter(Q(job=None) | ~Q(job__state__in=live))
        .order_by("queued_at")
    )
    return list(stalled.values_list("pk", flat=True)[:STALLED_LIMIT])
