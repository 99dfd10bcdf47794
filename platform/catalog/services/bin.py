"""The bin: images are hidden at once, and restored without a model or deleted for good."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit_log import services as audit_log
from audit_log.models import AuditEntry
from catalog.models import CopyCheck, Image
from catalog.selectors import list_binned_images, list_current_images
from catalog.services.deletion import request_deletion
from catalog.services.payloads import request_payload_update
from catalog.services.waiting import STALLED_LIMIT, lock

Action = AuditEntry.Action


@transaction.atomic
def move_to_bin(
    images: QuerySet[Image], *, by_id: int | None = None, is_recorded: bool = True
) -> int:
    """Hide images at once, and keep all they have; return how many were not in the bin yet.

    Rows are hidden when this commits; their points drop out of searches moments later.

    Args:
        images: any number of them.
        by_id: the account that does it.
        is_recorded: whether the audit log is told here; False where the caller does it.
    """
    moved = list_current_images().filter(pk__in=images.order_by().values("pk"))
    lock(moved)
    if is_recorded:
        _record(Action.BINNED, moved, by_id)
    request_payload_update(moved)
    return moved.update(binned_at=timezone.now(), binned_by_id=by_id)


@transaction.atomic
def restore(images: QuerySet[Image], *, by_id: int | None = None, is_recorded: bool = True) -> int:
    """Bring images back from the bin as they were; return how many. See `move_to_bin`.

    Those that were refused as copies are taken in.
    """
    restored = list_binned_images().filter(pk__in=images.order_by().values("pk"))
    lock(restored)
    if is_recorded:
        _record(Action.RESTORED, restored, by_id)
    CopyCheck.objects.filter(
        image__in=restored.order_by().values("pk"), state=CopyCheck.State.REFUSED
    ).update(state=CopyCheck.State.TAKEN_IN)
    request_payload_update(restored)
    return restored.update(binned_at=None, binned_by=None)


@transaction.atomic
def purge(images: QuerySet[Image], *, by_id: int | None = None, is_recorded: bool = True) -> int:
    """Delete for good what is in the bin of these; return how many. See `move_to_bin`."""
    doomed = list_binned_images().filter(pk__in=images.order_by().values("pk"))
    lock(doomed)
    if is_recorded:
        _record(Action.PURGED, doomed, by_id)
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
    return purge(Image.objects.filter(pk__in=ids)) if ids else 0


def _record(action: AuditEntry.Action, images: QuerySet[Image], by_id: int | None) -> None:
    """Write one entry, about the image or about how many there are."""
    found = list(images.order_by("pk").only("pk", "title", "sha256"))
    if len(found) == 1:
        audit_log.record(action, found[0], actor_id=by_id)
    elif found:
        entry = audit_log.record(action, actor_id=by_id, details={"images": len(found)})
        audit_log.record_images(entry, {"": [image.pk for image in found]})
