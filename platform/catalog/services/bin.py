"""The bin: images are hidden at once, and restored without a model or deleted for good."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog.models import Image
from catalog.selectors import list_binned_images, list_current_images
from catalog.services.deletion import request_deletion
from catalog.services.payloads import request_payload_update
from catalog.services.waiting import STALLED_LIMIT


@transaction.atomic
def move_to_bin(images: QuerySet[Image], *, by_id: int | None = None) -> int:
    """Hide images at once, and keep all they have; return how many were not in the bin yet.

    Rows are hidden when this commits; their points drop out of searches moments later.
    """
    moved = list_current_images().filter(pk__in=images.order_by().values("pk"))
    request_payload_update(moved)
    return moved.update(binned_at=timezone.now(), binned_by_id=by_id)


@transaction.atomic
def restore(images: QuerySet[Image]) -> int:
    """Bring images back from the bin as they were; return how many."""
    restored = list_binned_images().filter(pk__in=images.order_by().values("pk"))
    request_payload_update(restored)
    return restored.update(binned_at=None, binned_by=None)


def purge(images: QuerySet[Image]) -> int:
    """Delete for good those of the images that are in the bin; return how many."""
    doomed = list_binned_images().filter(pk__in=images.order_by().values("pk"))
    return request_deletion(doomed)


def purge_expired() -> int:
    """Delete for good some of what has been in the bin for BIN_RETENTION_DAYS; return how many.

    With 0 days nothing expires.
    """
    if not settings.BIN_RETENTION_DAYS:
        return 0
    limit = timezone.now() - timedelta(days=settings.BIN_RETENTION_DAYS)
    expired = list_binned_images().filter(binned_at__lte=limit).order_by("binned_at")
    ids = list(expired.values_list("pk", flat=True)[:STALLED_LIMIT])
    return request_deletion(Image.objects.filter(pk__in=ids)) if ids else 0
