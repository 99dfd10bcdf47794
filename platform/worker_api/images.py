"""Catalogue pictures for workers: ids in, frozen values out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from catalog import services, storage
from catalog.models import Image, Region
from catalog.selectors import drawn_boxes, list_current_images
from catalog.thumbnails import forget_webps
from jobs import services as jobs
from jobs.models import Delivery
from kernel.errors import FileMissing
from kernel.ids import point_id
from kernel.regions import FULL_IMAGE_KEY, POSSIBLE_REGIONS, FoundRegion, RegionKey
from vectors.index import EditablePayload
from watches.checks import note_arrivals


@dataclass(frozen=True, slots=True)
class ClaimedImage:
    """What indexing one picture needs to know of it.

    Attributes:
        width: of the upright original, pixels.
        height: of the upright original, pixels.
        regions: those it was indexed with before; none at first.
        drawn_panels: boxes x0, y0, x1, y1 of the panels that a person drew, none of them where it
            is no collage; None where nobody did.
        payload: what people have said of it, for filters.
        payload_changes: how often that had changed when it was read.
        takes_suggestion: whether nobody has said its medium, so that it is told from the picture.
    """

    id: UUID
    sha256: str
    width: int
    height: int
    regions: frozenset[RegionKey]
    drawn_panels: tuple[tuple[int, int, int, int], ...] | None
    payload: EditablePayload
    payload_changes: int
    created_at: datetime
    takes_suggestion: bool = False


@dataclass(frozen=True, slots=True)
class DoomedImage:
    """An image to be deleted, and the ids of its points in the live collection."""

    id: UUID
    sha256: str
    point_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class CatalogueRegion:
    """A region of an image that can be found.

    Attributes:
        image_id: the image's id.
        sha256: of the image's original.
        key: which part of it.
        width: of the upright original, pixels.
        height: of the upright original, pixels.
        box: x0, y0, x1, y1 in pixels of the upright original, half-open.
        pdq: its hash, 32 bytes, or None.
        pdq_quality: 0..100.
    """

    image_id: UUID
    sha256: str
    key: RegionKey
    width: int
    height: int
    box: tuple[int, int, int, int]
    pdq: bytes | None
    pdq_quality: int


def claim_images(image_ids: Sequence[UUID], *, delivery: Delivery) -> tuple[ClaimedImage, ...]:
    """Return those of the images that still wait for this very job, and count the try.

    An image that was handed to a later job is left to that one.

    Raises:
        JobTakenOver: another worker has the job.
    """
    waiting = _waiting(image_ids, delivery)
    waiting.update(tries=F("tries") + 1)
    return tuple(
        ClaimedImage(
            id=image.pk,
            sha256=image.sha256,
            width=image.width,
            height=image.height,
            regions=frozenset(region.key for region in image.regions.all()),
            drawn_panels=drawn_boxes(image.drawn_panels),
            payload=services.editable_payload(image),
            payload_changes=image.payload_changes,
            created_at=image.created_at,
            takes_suggestion=services.takes_suggestion(image),
        )
        for image in waiting.select_related("copy_check").prefetch_related(
            "tags", "albums", "regions"
        )
    )


def still_claimed(image_ids: Iterable[UUID], *, delivery: Delivery) -> frozenset[UUID]:
    """Return those of the images that are not deleted, and were not handed to a later job.

    Raises:
        JobTakenOver: another worker has the job.
    """
    return frozenset(_waiting(image_ids, delivery).values_list("pk", flat=True))


def _waiting(image_ids: Iterable[UUID], delivery: Delivery) -> QuerySet[Image]:
    jobs.check(delivery)
    return services.waiting_for(delivery.job_id).filter(pk__in=image_ids)


def read_original(sha256: str) -> bytes:
    """Return the bytes of an original file.

    Raises:
        FileMissing: there is none.
        TransientError: "storage:transient:unavailable".
    """
    return storage.read(storage.original_name(sha256))


def write_thumbnail(sha256: str, region: RegionKey, jpeg: bytes, *, is_known: bool) -> None:
    """Keep the thumbnail of a panel or object; the full image's was made when it was added.

    Args:
        sha256: of the image's original.
        region: of the image.
        jpeg: the thumbnail.
        is_known: whether the image had a region of this key before: pages may have kept
            what they made of its thumbnail.

    Raises:
        TransientError: "storage:transient:unavailable".
    """
    storage.write(storage.region_thumbnail_name(sha256, region), jpeg)
    if is_known:
        forget_webps(sha256, region)


def write_features(sha256: str, region: RegionKey, features: bytes) -> None:
    """Keep the local features of a region.

    Raises:
        TransientError: "storage:transient:unavailable".
    """
    storage.write(storage.features_name(sha256, region), features)


def read_features(sha256: str, region: RegionKey) -> bytes | None:
    """Return the local features of a region, or None where they were never kept or are lost.

    Raises:
        TransientError: "storage:transient:unavailable".
    """
    try:
        return storage.read(storage.features_name(sha256, region))
    except FileMissing:
        return None


def delete_derived_files(sha256: str, regions: Iterable[RegionKey]) -> None:
    """Remove what was made of regions that an image no longer has; see `catalog.services`."""
    services.delete_derived_files(sha256, regions)


def expire_unfinished_files() -> int:
    """Remove what killed processes left half written; see `catalog.storage`."""
    return storage.expire_unfinished()


def record_indexed(
    regions_by_image: Mapping[UUID, Sequence[FoundRegion]],
    *,
    delivery: Delivery,
    payload_changes: Mapping[UUID, int],
    media: Mapping[UUID, str],
) -> tuple[UUID, ...]:
    """Record this job's success; return the ids deleted meanwhile, whose points must go.

    `media` are those that were told from pictures, and that their points carry.

    Those that were never indexed before are compared with what is watched, in time.
    """
    with transaction.atomic():
        never = Image.objects.filter(pk__in=list(regions_by_image), indexed_at__isnull=True)
        new = list(never.values_list("pk", flat=True))
        deleted = services.record_indexed(
            regions_by_image, delivery=delivery, payload_changes=payload_changes, media=media
        )
        indexed = Image.objects.filter(pk__in=new, indexed_at__isnull=False)
        note_arrivals(indexed.values_list("pk", flat=True))
    return deleted


def record_failed(image_id: UUID, error_code: str, *, delivery: Delivery) -> None:
    """Keep the image with the code that says why this job could not index it."""
    services.record_failed(image_id, error_code, delivery=delivery)


def list_hashed_regions(*, min_quality: int, after: int) -> list[int]:
    """Return the ids above `after` of regions with a PDQ hash of that quality or more, ascending.

    Args:
        min_quality: 0..100.
        after: 0 for all.
    """
    return list(_hashed(min_quality).filter(pk__gt=after).values_list("pk", flat=True))


def read_hashes_after(region_id: int, *, min_quality: int, limit: int) -> dict[int, bytes]:
    """Return the PDQ hashes, 32 bytes each, of the next regions after an id, by id, ascending.

    Args:
        region_id: 0 for the first ones.
        min_quality: 0..100, of the hash.
        limit: how many at most.
    """
    rows = _hashed(min_quality).filter(pk__gt=region_id).values_list("pk", "pdq")[:limit]
    return {pk: bytes(pdq) for pk, pdq in rows if pdq is not None}


def read_hashes(region_ids: Sequence[int]) -> dict[int, bytes]:
    """Return the PDQ hashes, 32 bytes each, of those of the regions that are there, by id."""
    rows = Region.objects.filter(pk__in=region_ids, pdq__isnull=False).order_by()
    return {pk: bytes(pdq) for pk, pdq in rows.values_list("pk", "pdq") if pdq is not None}


def _hashed(min_quality: int) -> QuerySet[Region]:
    return Region.objects.filter(pdq_quality__gte=min_quality, pdq__isnull=False).order_by("pk")


def find_regions(region_ids: Sequence[int]) -> dict[int, CatalogueRegion]:
    """Return the regions among these ids whose image can be found, by id."""
    images = list_current_images().values("pk")
    rows = Region.objects.filter(pk__in=region_ids, image__in=images)
    return {row.pk: _frozen(row) for row in rows.select_related("image").order_by()}


def list_full_images(image_ids: Sequence[UUID]) -> list[int]:
    """Return the ids of the regions that are all of these images, of those that can be found."""
    images = list_current_images().filter(pk__in=image_ids).values("pk")
    rows = Region.objects.filter(image__in=images, kind=FULL_IMAGE_KEY.kind).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def known_regions(region_ids: Iterable[int]) -> frozenset[int]:
    """Return the ids among these that are still recorded, whether their image can be found now."""
    rows = Region.objects.filter(pk__in=list(region_ids)).order_by()
    return frozenset(rows.values_list("pk", flat=True))


def list_hidden_regions(region_ids: Sequence[int], albums: Sequence[int]) -> frozenset[int]:
    """Return those of the regions whose image is in any of these albums."""
    if not albums:
        return frozenset()
    hidden = Region.objects.filter(pk__in=region_ids, image__albums__in=albums)
    return frozenset(hidden.order_by().values_list("pk", flat=True))


def _frozen(row: Region) -> CatalogueRegion:
    return CatalogueRegion(
        image_id=row.image_id,
        sha256=row.image.sha256,
        key=row.key,
        width=row.image.width,
        height=row.image.height,
        box=(row.x0, row.y0, row.x1, row.y1),
        pdq=None if row.pdq is None else bytes(row.pdq),
        pdq_quality=row.pdq_quality,
    )


def claim_doomed(image_ids: Sequence[UUID], *, encoder_version: int) -> tuple[DoomedImage, ...]:
    """Return those of the images that wait to be deleted, with their points of that version."""
    doomed = Image.objects.filter(pk__in=image_ids, status=Image.Status.DELETING)
    return tuple(
        DoomedImage(id=image.pk, sha256=image.sha256, point_ids=_point_ids(image, encoder_version))
        for image in doomed.prefetch_related("regions")
    )


def _point_ids(image: Image, encoder_version: int) -> tuple[UUID, ...]:
    """Ids of all points that the image may have, also of regions that were never recorded."""
    regions = {*POSSIBLE_REGIONS, *(region.key for region in image.regions.all())}
    return tuple(
        point_id(sha256=image.sha256, region=region, encoder_version=encoder_version)
        for region in sorted(regions)
    )


def reindex_added_again(doomed: Sequence[DoomedImage]) -> None:
    """Have images indexed again that took the place of these: points are named by content."""
    added = Image.objects.filter(sha256__in=[image.sha256 for image in doomed])
    services.request_indexing(added)


def delete_image(image_id: UUID) -> None:
    """Remove the row and the files of an image whose points are gone."""
    services.delete_image(image_id)
