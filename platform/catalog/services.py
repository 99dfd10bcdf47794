"""What may change the catalogue: one transaction each."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from catalog import storage
from catalog.models import EncoderVersion, Image, Region
from catalog.selectors import find_by_sha256
from catalog.validation import ValidPicture
from jobs import dispatch
from jobs.models import JobRecord
from jobs.services import MAX_DELIVERIES, finish, finish_as_split
from kernel import task_names
from kernel.errors import ConflictError, UserInputError
from kernel.regions import FULL_IMAGE_KEY, FoundRegion, RegionKey
from ml.rules.calibration_curve import curve_from_json

# Pictures a job indexes: enough to fill encoder batches, few enough to lose little with a worker.
CHUNK_SIZE = 64
# A queued image that no job has taken for so long is handed to a new one.
STALLED_AFTER = timedelta(seconds=60)
# Images one sweep hands out, so that it stays short; the next one goes on.
STALLED_LIMIT = 10_000

Status = Image.Status


@dataclass(frozen=True, slots=True)
class Added:
    """An image of the catalogue, and whether it is new or was there already."""

    image_id: UUID
    is_new: bool


@dataclass(frozen=True, slots=True)
class ImageMetadata:
    """What the person says of a picture; all of it may be empty."""

    title: str = ""
    source: str = ""
    owner: str = ""
    licence: str = ""


def add_picture(picture: ValidPicture, metadata: ImageMetadata) -> Added:
    """Store a valid picture under its content hash, or find who stored it meanwhile.

    Callers ask `find_by_sha256` first. Files first, then the row: a crash between the two leaves
    files that no row names, which `audit` removes, and never a row without its files.

    Raises:
        ConflictError: "image:conflict:being-deleted".
        TransientError: the storage is full or out of reach; nothing was added.
    """
    _write_files(picture)
    try:
        with transaction.atomic():
            image = Image.objects.create(
                sha256=picture.sha256,
                format=picture.format,
                width=picture.width,
                height=picture.height,
                file_bytes=len(picture.data),
                title=metadata.title[:300],
                source=metadata.source[:1000],
                owner=metadata.owner,
                licence=metadata.licence,
            )
    except IntegrityError:  # somebody else stored the same file meanwhile
        known = find_by_sha256(picture.sha256)
        if known is None or known.status == Status.DELETING:
            raise ConflictError("image:conflict:being-deleted") from None
        return Added(image_id=known.pk, is_new=False)
    return Added(image_id=image.pk, is_new=True)


def restore_picture(picture: ValidPicture) -> None:
    """Store the files of a failed image again and have it indexed: its original may be lost.

    Raises:
        TransientError: the storage is full or out of reach; the image is as it was.
    """
    _write_files(picture)
    request_indexing(Image.objects.filter(sha256=picture.sha256))


def _write_files(picture: ValidPicture) -> None:
    storage.write(storage.original_name(picture.sha256), picture.data)
    storage.write(storage.thumbnail_name(picture.sha256), picture.thumbnail)


def request_indexing(images: QuerySet[Image]) -> int:
    """Have any number of images indexed again: the next sweep hands them out; return how many.

    Those being deleted are left alone.
    """
    return _leave_to_sweep(images, Status.QUEUED)


def request_deletion(images: QuerySet[Image]) -> int:
    """Hide any number of images at once and have the next sweep's jobs delete them whole.

    Returns:
        How many those were; images that were being deleted already do not count.
    """
    return _leave_to_sweep(images, Status.DELETING)


def _leave_to_sweep(images: QuerySet[Image], status: str) -> int:
    return images.exclude(status=Status.DELETING).update(
        status=status,
        error_code="",
        job=None,
        queued_at=timezone.now() - STALLED_AFTER,  # overdue, so that no sweep passes them over
    )


def enqueue_indexing(image_ids: Sequence[UUID]) -> int:
    """Hand images to the bulk queue in chunks; return how many jobs that made."""
    starts = range(0, len(image_ids), CHUNK_SIZE)
    for start in starts:
        _enqueue_chunk(image_ids[start : start + CHUNK_SIZE])
    return len(starts)


@transaction.atomic
def _enqueue_chunk(image_ids: Sequence[UUID]) -> None:
    job = dispatch.enqueue(task_names.INDEX_IMAGES, image_ids=[str(pk) for pk in image_ids])
    Image.objects.filter(pk__in=image_ids).exclude(status=Status.DELETING).update(
        status=Status.QUEUED, error_code="", job=job, queued_at=timezone.now()
    )


def requeue_stalled() -> int:
    """Enqueue images that wait without a live job; return how many."""
    ids = _list_stalled(Status.QUEUED)
    enqueue_indexing(ids)
    return len(ids)


def redelete_stalled() -> int:
    """Enqueue the deletion of images that wait for it without a live job; return how many."""
    ids = _list_stalled(Status.DELETING)
    for start in range(0, len(ids), CHUNK_SIZE):
        chunk = ids[start : start + CHUNK_SIZE]
        with transaction.atomic():
            job = dispatch.enqueue(task_names.DELETE_IMAGES, image_ids=[str(pk) for pk in chunk])
            Image.objects.filter(pk__in=chunk).update(job=job, queued_at=timezone.now())
    return len(ids)


def _list_stalled(status: str) -> list[UUID]:
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
    images = Image.objects.select_for_update().exclude(status=Status.DELETING).in_bulk(ids)
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


def record_calibration(version: EncoderVersion, calibration: Mapping[str, Any]) -> None:
    """Keep what the scores of an encoder version mean.

    Args:
        version: whose scores.
        calibration: as `python -m ml calibrate` writes it.

    Raises:
        UserInputError: "calibration:user:broken": it is none; "calibration:user:other-encoder": it
            was made with other weights or another preprocessing.
    """
    try:
        made_with = _check_calibration(calibration)
    except KeyError as error:
        raise UserInputError("calibration:user:broken", detail=f"It has no {error}.") from error
    except (TypeError, ValueError) as error:
        reason = str(error)
        detail = f"{reason[:1].upper()}{reason[1:]}."
        raise UserInputError("calibration:user:broken", detail=detail) from error
    if made_with != (version.weights_sha256, version.preprocessing_sha256):
        raise UserInputError("calibration:user:other-encoder", encoder=version.choice)
    version.calibration = dict(calibration)
    version.save(update_fields=("calibration",))


def _check_calibration(calibration: Mapping[str, Any]) -> tuple[str, str]:
    """Return the hashes of the weights and the preprocessing that a calibration was made with.

    Raises:
        KeyError: it lacks something.
        TypeError: something in it is of another kind.
        ValueError: a number in it is out of range, or none that a database keeps as JSON.
    """
    if not isinstance(calibration, Mapping):
        raise TypeError("It is no JSON object")
    json.dumps(calibration, allow_nan=False)
    curve_from_json(calibration["method"], calibration["curve"])
    for point in calibration["thresholds"]:
        _check_threshold(point)
    origin = calibration["origin"]
    return origin["weights_sha256"], origin["preprocessing_sha256"]


def _check_threshold(point: Mapping[str, Any]) -> None:
    """Refuse a threshold that is none; one that no score reaches is None, as its precision is."""
    shares = [point["asked_precision"], point["recall"]]
    if point["threshold"] is not None:
        if not isinstance(point["threshold"], float):
            raise TypeError("The score of a threshold is no decimal number")
        shares.append(point["precision"])
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError("A precision or recall is not from 0 to 1")


@transaction.atomic
def make_live(version: EncoderVersion) -> None:
    """Retire the live encoder version, if there is one, in favour of `version`."""
    EncoderVersion.objects.filter(state=EncoderVersion.State.LIVE).update(
        state=EncoderVersion.State.RETIRED
    )
    version.state = EncoderVersion.State.LIVE
    version.save(update_fields=("state",))
