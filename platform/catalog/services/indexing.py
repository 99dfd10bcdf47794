"""Images are handed to workers, and what comes of it is recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog.models import CopyCheck, Image, Region
from catalog.services.copy_checks import enqueue_copy_checks
from catalog.services.media import suggest_media
from catalog.services.payloads import request_payload_update
from catalog.services.waiting import CHUNK_SIZE, leave_to_sweep, list_stalled, lock
from jobs import dispatch
from jobs.models import Delivery, JobRecord
from jobs.services import MAX_TRIES, finish, finish_as_split, hold
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


def waiting_for(job_id: UUID) -> QuerySet[Image]:
    """Return the images that a job has still to index."""
    return Image.objects.filter(job_id=job_id, status=Status.QUEUED)


def requeue_stalled() -> int:
    """Enqueue images that wait without a live job; return how many."""
    ids = list_stalled(Status.QUEUED)
    enqueue_indexing(ids)
    return len(ids)


@transaction.atomic
def record_indexed(
    indexed: Mapping[UUID, Sequence[FoundRegion]],
    *,
    delivery: Delivery | None = None,
    payload_changes: Mapping[UUID, int] | None = None,
    media: Mapping[UUID, str] | None = None,
) -> tuple[UUID, ...]:
    """Record the regions of images whose points are in the live collection, in place of the old.

    Those that are to be compared with the catalogue are held from here on until they are.

    Args:
        indexed: image → all its regions, those whose points were just upserted.
        delivery: of the job that did it. What another job or worker was handed meanwhile is left
            to that one; what a later job has even done is indexed once more, since its points were
            just overwritten with older ones. None records all of them.
        payload_changes: image → how often its payload had changed when medium, tags and albums
            were read. Where it changed since, it is written once more, whoever has the image now:
            a newer one may have just been overwritten. None asks for nothing.
        media: image → the medium that was told from it, which the points carry already; recorded
            as `suggest_media` does it.

    Returns:
        The ids among them that were deleted meanwhile: their points must be removed again.
    """
    ids = list(indexed)
    held = _held_by(delivery)
    lock(Image.objects.filter(pk__in=ids))
    stored = Image.objects.filter(pk__in=ids).exclude(status=Status.DELETING)
    changes: dict[UUID, int] = dict(stored.values_list("pk", "payload_changes"))
    ours = set(held.filter(pk__in=changes).values_list("pk", flat=True))
    Region.objects.filter(image__in=ours).delete()
    Region.objects.bulk_create(
        Region(image_id=image_id, **asdict(region))
        for image_id in ours
        for region in indexed[image_id]
    )
    now = timezone.now()
    Image.objects.filter(pk__in=ours).update(
        status=Status.INDEXED,
        error_code="",
        indexed_at=now,
        payload_format=Image.PAYLOAD_FORMAT,
    )
    if media is not None:
        suggest_media({pk: media[pk] for pk in ours if pk in media}, at=now)
    unchecked = CopyCheck.objects.filter(image__in=ours, state=CopyCheck.State.WAITING)
    Image.objects.filter(pk__in=unchecked.values("image"), held_at=None).update(held_at=now)
    enqueue_copy_checks()
    if payload_changes is not None:
        outdated = [pk for pk, count in changes.items() if count != payload_changes[pk]]
        request_payload_update(Image.objects.filter(pk__in=outdated))
    if delivery is not None:
        done_later = Image.objects.filter(pk__in=changes, status=Status.INDEXED)
        leave_to_sweep(done_later.exclude(job_id=delivery.job_id), Status.QUEUED)
    return tuple(pk for pk in ids if pk not in changes)


@transaction.atomic
def record_failed(image_id: UUID, error_code: str, *, delivery: Delivery | None = None) -> None:
    """Keep the row of a picture that could not be indexed, with the reason.

    With a delivery, only while that one still holds the image, as in `record_indexed`.
    """
    held = _held_by(delivery).filter(pk=image_id).exclude(status=Status.DELETING)
    held.update(status=Status.FAILED, error_code=error_code)
    # Else nobody would see that it failed: it is not compared.
    failed = Image.objects.filter(pk=image_id, status=Status.FAILED)
    failed.filter(copy_check__state=CopyCheck.State.WAITING).update(held_at=None)


def _held_by(delivery: Delivery | None) -> QuerySet[Image]:
    """The images that a delivery may record until the transaction ends; all for None."""
    if delivery is None:
        return Image.objects.all()
    return Image.objects.filter(job_id=delivery.job_id) if hold(delivery) else Image.objects.none()


def give_up_or_split(job: JobRecord) -> None:
    """Decide about a job that ended its worker; of an indexing job, find the picture that did it.

    What still waits of a chunk is halved until the poisoned picture is alone; alone, it has
    `MAX_TRIES`, as has every other job. A job that is left running here goes back to its queue.
    """
    if job.name != task_names.INDEX_IMAGES:
        if job.tries >= MAX_TRIES:
            finish(job.delivery, error_code="job:ours:gave-up")
        return
    waiting = set(waiting_for(job.pk).values_list("pk", flat=True))
    ids = [pk for pk in map(UUID, job.arguments["image_ids"]) if pk in waiting]
    if not ids:
        finish(job.delivery)  # its worker had only to say so
    elif len(ids) > 1:
        middle = len(ids) // 2
        finish_as_split(job)
        for half in (ids[:middle], ids[middle:]):
            _enqueue_chunk(half)
    elif job.tries >= MAX_TRIES:
        record_failed(ids[0], "image:ours:gave-up")
        finish(job.delivery, error_code="image:ours:gave-up")
