"""Tags and albums, made, renamed and deleted: every point of their images carries their names."""

from collections.abc import Sequence
from typing import TypeVar

from django.db import IntegrityError, transaction

from audit_log import services as audit_log
from audit_log.models import AuditEntry
from catalog.models import Album, AlbumGroup, Image, Tag
from catalog.services.payloads import request_payload_update
from kernel.errors import ConflictError, UserInputError

NamedRow = TypeVar("NamedRow", Tag, Album)
# Images of an entry of the audit log that one row of it holds.
_CHUNK_IMAGES = 500


def find_or_make_tags(names: Sequence[str]) -> list[Tag]:
    """Return the tags of these names; those that are missing are made."""
    known = set(Tag.objects.filter(name__in=names).values_list("name", flat=True))
    # In order, so that two who make the same ones do not wait for each other.
    missing = [Tag(name=name) for name in sorted(set(names) - known)]
    Tag.objects.bulk_create(missing, ignore_conflicts=True)
    return list(Tag.objects.filter(name__in=names))


@transaction.atomic
def make_named_set(model: type[NamedRow], name: str, *, by_id: int | None) -> NamedRow:
    """Make a tag or an album, which is open to everybody.

    Raises:
        ConflictError: "named-set:conflict:taken".
    """
    row, is_new = model._default_manager.get_or_create(name=name)
    if not is_new:
        raise ConflictError("named-set:conflict:taken")
    audit_log.record(AuditEntry.Action.ADDED, row, actor_id=by_id, details={"name": [None, name]})
    return row


def rename_named_set(row: Tag | Album, name: str, *, by_id: int | None) -> None:
    """Rename a tag or an album, and have the points of its images carry the new name.

    Raises:
        ConflictError: "named-set:conflict:taken".
        UserInputError: "request:user:not-found": it was deleted meanwhile.
    """
    old = row.name
    if old == name:
        return
    try:
        with transaction.atomic():
            if not type(row)._default_manager.filter(pk=row.pk).update(name=name):
                raise UserInputError("request:user:not-found")
            row.name = name
            request_payload_update(row.images.all())
            changes = {"name": [old, name]}
            audit_log.record(AuditEntry.Action.CHANGED, row, actor_id=by_id, details=changes)
    except IntegrityError as error:
        raise ConflictError("named-set:conflict:taken") from error


@transaction.atomic
def delete_named_set(row: Tag | Album, *, by_id: int | None) -> None:
    """Delete a tag or an album, and have the points of its images forget it.

    Raises:
        ConflictError: "album:conflict:private": its images would be open to everybody.
    """
    is_private = isinstance(row, Album) and AlbumGroup.objects.filter(album=row).exists()
    if is_private and row.images.exists():
        raise ConflictError("album:conflict:private")
    entry = audit_log.record(AuditEntry.Action.DELETED, row, actor_id=by_id)
    ids = list(row.images.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), _CHUNK_IMAGES):
        audit_log.record_images(entry, {"": ids[start : start + _CHUNK_IMAGES]})
    request_payload_update(Image.objects.filter(pk__in=row.images.order_by().values("pk")))
    row.delete()
