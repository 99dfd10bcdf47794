"""What can be asked of the catalogue; nothing here writes."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet

from catalog.models import EncoderVersion, Image, Region
from kernel.errors import TransientError


def find_live_encoder() -> EncoderVersion | None:
    """Return the encoder version that indexes new pictures, or None before the first start."""
    return EncoderVersion.objects.filter(state=EncoderVersion.State.LIVE).first()


def get_live_encoder() -> EncoderVersion:
    """Return the live encoder version.

    Raises:
        TransientError: "encoder:transient:not-chosen": the workers have not started yet.
    """
    version = find_live_encoder()
    if version is None:
        raise TransientError("encoder:transient:not-chosen")
    return version


def list_visible_images() -> QuerySet[Image]:
    """Return every image that a person may see."""
    return Image.objects.exclude(status=Image.Status.DELETING)


def find_images(image_ids: Iterable[UUID]) -> dict[UUID, Image]:
    """Return the visible images among these ids, by id; ids without a row are left out."""
    return list_visible_images().in_bulk(list(image_ids))


def find_images_with_regions(image_ids: Iterable[UUID]) -> dict[UUID, Image]:
    """Return the same, their regions read too, without the hashes, which are for the workers."""
    regions = Prefetch("regions", Region.objects.defer("pdq"))
    return list_visible_images().prefetch_related(regions).in_bulk(list(image_ids))


def count_by_status() -> dict[str, int]:
    """Return how many images have each status; a status without images is 0."""
    counts = dict.fromkeys(Image.Status.values, 0)
    rows = Image.objects.order_by().values_list("status").annotate(Count("pk"))
    return counts | dict(rows)


def count_failures_by_code() -> dict[str, int]:
    """Return how many images could not be indexed, by the error's code."""
    failed = Image.objects.filter(status=Image.Status.FAILED).order_by()
    return dict(failed.values_list("error_code").annotate(Count("pk")))


def count_findable_and_waiting() -> tuple[int, int]:
    """Return how many images searches find, and how many wait to be indexed.

    An indexed image is found also while it waits to be indexed again.
    """
    status = Image.Status
    is_findable = Q(status__in=(status.INDEXED, status.QUEUED), indexed_at__isnull=False)
    counts = Image.objects.aggregate(
        findable=Count("pk", filter=is_findable),
        waiting=Count("pk", filter=Q(status=status.QUEUED)),
    )
    return counts["findable"], counts["waiting"]


def count_indexed_before() -> int:
    """Return how many images wait to be indexed again, and are found meanwhile."""
    return Image.objects.filter(status=Image.Status.QUEUED, indexed_at__isnull=False).count()


def count_indexed_since(moment: datetime) -> int:
    """Return how many images were indexed since a moment."""
    return Image.objects.filter(indexed_at__gte=moment).count()


def find_oldest_waiting() -> datetime | None:
    """Return since when the first of the waiting images waits; None where none does."""
    waiting = Image.objects.filter(status=Image.Status.QUEUED).order_by("queued_at")
    return waiting.values_list("queued_at", flat=True).first()


def find_by_sha256(sha256: str) -> Image | None:
    """Return the image with this content, even one being deleted, or None."""
    return Image.objects.filter(sha256=sha256).first()
