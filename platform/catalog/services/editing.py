"""What people say of one image, changed field by field."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from audit_log import services as audit_log
from audit_log.models import AuditEntry
from catalog.models import Image
from catalog.services.media import confirm_media
from catalog.services.payloads import request_payload_update

_LINKED = ("tags", "albums")
_CARRIED = frozenset({"medium", *_LINKED})


def locked_images(images: QuerySet[Any, Any]) -> QuerySet[Image]:
    """Return the images, their rows locked by the transaction that reads them."""
    return Image.objects.select_for_update().filter(pk__in=images)


@transaction.atomic
def edit_image(image: Image, said: Mapping[str, Any], *, by_id: int | None) -> bool:
    """Give an image new values of some fields; False where it has them already.

    Args:
        image: the image, locked.
        said: field → text, or of "tags" and "albums" the rows that it is to be in, and no others.
        by_id: the account that does it.
    """
    changes: dict[str, list[Any]] = {}
    if "medium" in said:
        confirm_media(Image.objects.filter(pk=image.pk))
        image.medium_suggested_at = None
    texts = {name: value for name, value in said.items() if name not in _LINKED}
    for name, value in texts.items():
        if getattr(image, name) != value:
            changes[name] = [getattr(image, name), value]
            setattr(image, name, value)
    if changes:
        image.save(update_fields=tuple(changes))
    for name in _LINKED:
        if name not in said:
            continue
        relation = getattr(image, name)
        old = sorted(relation.values_list("name", flat=True))
        new = sorted(each.name for each in said[name])
        if old != new:
            relation.set(said[name])
            changes[name] = [old, new]
    if _CARRIED & changes.keys():
        request_payload_update(Image.objects.filter(pk=image.pk))
    if changes:
        audit_log.record(AuditEntry.Action.CHANGED, image, actor_id=by_id, details=changes)
    return bool(changes)
