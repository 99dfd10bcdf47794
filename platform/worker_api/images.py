"""Catalogue pictures for workers: ids in, frozen values out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F

from catalog import services, storage
from catalog.models import Image, Region
from kernel.ids import point_id


@dataclass(frozen=True, slots=True)
class ClaimedImage:
    """What describing one picture needs to know of it."""

    id: UUID
    sha256: str
    medium: str
    tags: tuple[str, ...]
    albums: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DoomedImage:
    """An image to be deleted, and the ids of its points in the live collection."""

    id: UUID
    point_ids: tuple[UUID, ...]


def claim_images(image_ids: Sequence[UUID], *, job_id: UUID) -> tuple[ClaimedImage, ...]:
    """Return those of the images that still wait for this very job, and count the try.

    An image that was handed to a later job (its tags changed, say) is left to that one.
    """
    waiting = Image.objects.filter(pk__in=image_ids, job_id=job_id, status=Image.Status.QUEUED)
    waiting.update(tries=F("tries") + 1)
    return tuple(
        ClaimedImage(
            id=image.pk,
            sha256=image.sha256,
            medium=image.medium,
            tags=tuple(tag.name for tag in image.tags.all()),
            albums=tuple(album.name for album in image.albums.all()),
            created_at=image.created_at,
        )
        for image in waiting.prefetch_related("tags", "albums")
    )


def read_original(sha256: str) -> bytes:
    """Return the bytes of an original file.

    Raises:
        DefectError: "storage:ours:file-missing".
        TransientError: "storage:transient:unavailable".
    """
    return storage.read(storage.original_name(sha256))


def record_indexed(image_ids: Sequence[UUID], *, job_id: UUID) -> tuple[UUID, ...]:
    """Record this job's success; return the ids deleted meanwhile, whose points must go."""
    return services.record_indexed(image_ids, job_id=job_id)


def record_failed(image_id: UUID, error_code: str, *, job_id: UUID) -> None:
    """Keep the image with the code that says why this job could not describe it."""
    services.record_failed(image_id, error_code, job_id=job_id)


def claim_doomed(image_ids: Sequence[UUID], *, encoder_version: int) -> tuple[DoomedImage, ...]:
    """Return those of the images that wait to be deleted, with their points of that version."""
    doomed = Image.objects.filter(pk__in=image_ids, status=Image.Status.DELETING)
    return tuple(
        DoomedImage(id=image.pk, point_ids=_point_ids(image, encoder_version))
        for image in doomed.prefetch_related("regions")
    )


def _point_ids(image: Image, encoder_version: int) -> tuple[UUID, ...]:
    """Ids of the points of all known regions, and of the whole even before it is recorded."""
    parts = {(region.kind, region.ordinal) for region in image.regions.all()}
    parts.add((Region.Kind.WHOLE.value, 0))
    return tuple(
        point_id(sha256=image.sha256, kind=kind, ordinal=ordinal, encoder_version=encoder_version)
        for kind, ordinal in sorted(parts)
    )


def delete_image(image_id: UUID) -> None:
    """Remove the row and the files of an image whose points are gone."""
    services.delete_image(image_id)
