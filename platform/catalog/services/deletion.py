"""Images leave the catalogue: hidden at once, removed by workers later."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog import storage
from catalog.models import Image
from catalog.services.waiting import CHUNK_SIZE, leave_to_sweep, list_stalled, lock
from jobs import dispatch
from kernel import task_names
from kernel.regions import FULL_IMAGE_KEY, RegionKey

Status = Image.Status


def request_deletion(images: QuerySet[Image]) -> int:
    """Hide any number of images at once and have the next sweep's jobs delete them whole.

    Returns:
        How many those were; images that were being deleted already do not count.
    """
    return leave_to_sweep(images, Status.DELETING)


def redelete_stalled() -> int:
    """Enqueue the deletion of images that wait for it without a live job; return how many."""
    ids = list_stalled(Status.DELETING)
    for start in range(0, len(ids), CHUNK_SIZE):
        chunk = ids[start : start + CHUNK_SIZE]
        with transaction.atomic():
            job = dispatch.enqueue(task_names.DELETE_IMAGES, image_ids=[str(pk) for pk in chunk])
            images = Image.objects.filter(pk__in=chunk)
            lock(images)
            images.update(job=job, queued_at=timezone.now())
    return len(ids)


def delete_image(image_id: UUID) -> None:
    """Remove an image's files and row; its points must be gone already.

    The row, hidden already, goes last: while it is there, nobody stores the same content again, so
    no file is removed that another row needs; and where the storage fails, the next try finds it.

    Raises:
        TransientError: the storage is out of reach; the row is still there.
    """
    image = Image.objects.filter(pk=image_id, status=Status.DELETING).first()
    if image is None:
        return
    storage.delete(storage.original_name(image.sha256))
    # The full image's too where it was never recorded: its files may be there all the same.
    delete_derived_files(
        image.sha256, {FULL_IMAGE_KEY, *(region.key for region in image.regions.all())}
    )
    image.delete()


def delete_derived_files(sha256: str, regions: Iterable[RegionKey]) -> None:
    """Remove what was made of regions that an image no longer has.

    Raises:
        TransientError: the storage is out of reach.
    """
    for region in regions:
        for name in storage.derived_names(sha256, region):
            storage.delete(name)
