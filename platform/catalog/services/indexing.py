"""Images are handed to workers, and what comes of it is recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog.models import Image, Region
from catalog.services.waiting import CHUNK_SIZE, leave_to_sweep, list_stalled, lock
from jobs import dispatch
from jobs.models import JobRecord
from jobs.services import MAX_DELIVERIES, finish, finish_as_split
from kernel import task_names
from kernel.regions import FoundRegion

Status = Image.Status


def request_indexing(images: QuerySet[Image]) -> int:
    """Have any number of images indexed again: the next sweep hands them out; return how many.

    Those being deleted are left alone.
    """
    return leave_to_sweep(images, Status.QUEUED)


def enqueue_indexing(image_ids: Sequence[UUID]) -> int:
    """Hand images to the bulk queue in chunks; return how many jobs that made."""
    starts = range(0, len(image_ids), CHUNK_SIZE)
    for start in starts:
        _enqueue_chunk(image_ids[start : start + CHUNK_SIZE])
    return len(starts)


@transaction.atomic
def _enqueue_chunk(image_ids: Sequence[UUID]) -> None:
    job = dispatch.enqueue(task_names.INDEX_IMAGES, image_ids=[str(pk) for pk in image_ids])
    images = Image.objects.filter(pk__in=image_ids)
    lock(images)
    images.exclude(status=Status.DELETING).update(
        status=Status.QUEUED, error_code="", job=job, queued_at=timezone.now()
    )


def requeue_stalled() -> int:
    """Enqueue images that wait without a live job; return how many."""
    ids = list_stalled(Status.QUEUED)
    enqueue_indexing(ids)
    return len(ids)


@transaction.atomic
def record_indexed(
    indexed: Mapping[UUID, Sequence[FoundRegion]], *, job_id: UUID | None = None
) -> tuple[UUID, ...]:
    """Record the regions of images whose points are in the live collection, in place of the old.

    Args:
        indexed: image → all its regions, those whose points were just upserted.
        job_id: the job that did it; an image that was handed to a later job meanwhile (its tags
            changed) keeps waiting for that one. None records all of them.

    Returns:
        The ids among them that were deleted meanwhile: their points must be removed again.
    """
    ids = list(indexed)
    lock(Image.objects.filter(pk__in=ids))
    images = Image.objects.exclude(status=Status.DELETING).in_bulk(ids)
    Region.objects.filter(image__in=images).delete()
    Region.objects.bulk_create(
        Region(image_id=image_id, **asdict(region))
        for image_id in images
        for region in indexed[image_id]
    )
    _held_by(job_id).filter(pk__in=images).update(
        status=Status.INDEXED, error_code="", indexed_at=timezone.now()
    )
    return tuple(pk for pk in ids if pk not in images)


def record_failed(image_id: UUID, error_code: str, *, job_id: UUID | None = None) -> None:
    """Keep the row of a picture that could not be indexed, with the reason.

    With a job, only while that job still holds the image, as in `record_indexed`.
    """
    held = _held_by(job_id).filter(pk=image_id).exclude(status=Status.DELETING)
    held.update(status=Status.FAILED, error_code=error_code)


def _held_by(job_id: UUID | None) -> QuerySet[Image]:
    return Image.objects.all() if job_id is None else Image.objects.filter(job_id=job_id)


def give_up_or_split(job: JobRecord) -> None:
    """Decide about a job that ended its worker; of an indexing job, find the picture that did it.

    A chunk is halved until the poisoned picture is alone; alone, it has `MAX_DELIVERIES` tries, as
    has every other job. A job that is left running here goes back to its queue.
    """
    if job.name != task_names.INDEX_IMAGES:
        if job.deliveries >= MAX_DELIVERIES:
            finish(job.pk, error_code="job:ours:gave-up")
        return
    ids = job.arguments["image_ids"]
    if len(ids) > 1:
        middle = len(ids) // 2
        finish_as_split(job)
        for half in (ids[:middle], ids[middle:]):
            _enqueue_chunk([UUID(image_id) for image_id in half])
    elif job.deliveries >= MAX_DELIVERIES:
        record_failed(UUID(ids[0]), "image:ours:gave-up")
        finish(job.pk, error_code="image:ours:gave-up")
