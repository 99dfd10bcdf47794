"""One change of many images, over a set that was fixed when it was asked for.

Asking stores the ids; only confirming starts the work, a chunk a transaction: the change, the
counts, and the chunk's end are written together, so that a crash leaves no image undone or done
twice.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Model, Q, QuerySet
from django.utils import timezone

from catalog.models import Album, BulkEdit, BulkEditChunk, Image, Tag
from catalog.services.deletion import request_deletion
from catalog.services.indexing import request_indexing
from catalog.services.payloads import request_payload_update
from catalog.services.waiting import lock
from jobs import dispatch
from jobs.models import Delivery, JobRecord
from jobs.services import JobTakenOver, hold
from kernel import task_names

Kind, State = BulkEdit.Kind, BulkEdit.State

# Images changed in one transaction: what other writers may have to wait for stays short.
CHUNK_IMAGES = 500
_KEEP_UNCONFIRMED = timedelta(days=1)
# After a job that ended without finishing, the next one waits so long.
_RETRY_AFTER = timedelta(seconds=60)


@transaction.atomic
def ask_bulk_edit(
    kind: str, images: QuerySet[Image], *, started_by_id: int | None = None
) -> BulkEdit:
    """Fix the set of images that a change is for, in the order of the query; change none."""
    ids = dict.fromkeys(images.values_list("pk", flat=True))  # a filter may find one twice
    edit = BulkEdit.objects.create(kind=kind, total=len(ids), started_by_id=started_by_id)
    hexes = [pk.hex for pk in ids]
    starts = range(0, len(hexes), CHUNK_IMAGES)
    BulkEditChunk.objects.bulk_create(
        BulkEditChunk(edit=edit, image_ids=hexes[start : start + CHUNK_IMAGES]) for start in starts
    )
    return edit


@transaction.atomic
def start_bulk_edit(edit: BulkEdit, arguments: Mapping[str, Any]) -> bool:
    """Have workers change the images; False where it was started before.

    Args:
        edit: what was asked for.
        arguments: ``{"names": [primary keys]}`` of tags or albums, ``{"value": text}`` of a medium,
            an owner or a licence, ``{"format": one of `ExportFormat`}``, ``{}`` for other kinds.
    """
    asked = BulkEdit.objects.filter(pk=edit.pk, state=State.ASKED)
    started = asked.update(
        state=State.RUNNING, arguments=dict(arguments), started_at=timezone.now()
    )
    if started:
        _enqueue(edit.pk)
    return bool(started)


@transaction.atomic
def apply_next_chunk(edit_id: int, *, delivery: Delivery) -> bool:
    """Change the next images of a bulk edit; False where there are none left.

    Raises:
        JobTakenOver: another worker has the job; nothing was changed.
    """
    if not hold(delivery):
        raise JobTakenOver(delivery)
    edit = BulkEdit.objects.select_for_update().filter(pk=edit_id, state=State.RUNNING).first()
    if edit is None:
        return False
    chunk = edit.chunks.first()
    if chunk is None:
        edit.state, edit.finished_at = State.DONE, timezone.now()
        edit.save(update_fields=("state", "finished_at"))
        return False
    ids = [UUID(one) for one in chunk.image_ids]
    images = Image.objects.exclude(status=Image.Status.DELETING).filter(pk__in=ids)
    lock(images)
    done = images.count()
    _CHANGES[Kind(edit.kind)](images, edit.arguments)
    chunk.delete()
    edit.done, edit.gone = F("done") + done, F("gone") + len(ids) - done
    edit.save(update_fields=("done", "gone"))
    return True


def resume_bulk_edits() -> int:
    """Hand out bulk edits that run without a job, forget unconfirmed ones; return how many run."""
    old = timezone.now() - _KEEP_UNCONFIRMED
    BulkEdit.objects.filter(state=State.ASKED, created_at__lt=old).delete()
    live = (JobRecord.State.QUEUED, JobRecord.State.RUNNING)
    just_ended = Q(job__finished_at__gt=timezone.now() - _RETRY_AFTER) & ~Q(
        job__state=JobRecord.State.SUCCEEDED
    )
    stalled = BulkEdit.objects.filter(state=State.RUNNING).filter(
        Q(job=None) | ~(Q(job__state__in=live) | just_ended)
    )
    ids = list(stalled.values_list("pk", flat=True))
    for edit_id in ids:
        with transaction.atomic():
            _enqueue(edit_id)
    return len(ids)


def _enqueue(edit_id: int) -> None:
    edit = BulkEdit.objects.filter(pk=edit_id)
    is_export = edit.filter(kind=Kind.EXPORT).exists()
    task = task_names.EXPORT_IMAGES if is_export else task_names.EDIT_IMAGES
    edit.update(job=dispatch.enqueue(task, edit_id=edit_id))


# What is done to the images of a chunk, which are locked. None may leave the images' query empty
# before it has done with it: a change of medium, say, is told to the points first.
_Change = Callable[[QuerySet[Image], Mapping[str, Any]], object]


def _delete(images: QuerySet[Image], _: Mapping[str, Any]) -> None:
    request_deletion(images)


def _reindex(images: QuerySet[Image], _: Mapping[str, Any]) -> None:
    request_indexing(images)


def _add(field: str, model: type[Model]) -> _Change:
    """Return the change that adds tags or albums, those that are still there."""
    through: Any = getattr(Image, field).through
    column = model._meta.model_name

    def add(images: QuerySet[Image], arguments: Mapping[str, Any]) -> None:
        ids = list(images.values_list("pk", flat=True))
        changed: set[UUID] = set()
        for named in model._default_manager.filter(pk__in=arguments["names"]):
            have = set(images.filter(**{field: named.pk}).values_list("pk", flat=True))
            lacking = [pk for pk in ids if pk not in have]
            rows = [through(**{"image_id": pk, f"{column}_id": named.pk}) for pk in lacking]
            through.objects.bulk_create(rows, ignore_conflicts=True)  # others add it, too
            changed.update(lacking)
        request_payload_update(Image.objects.filter(pk__in=changed))

    return add


def _remove(field: str) -> _Change:
    """Return the change that takes tags or albums away."""
    through: Any = getattr(Image, field).through

    def remove(images: QuerySet[Image], arguments: Mapping[str, Any]) -> None:
        names: Sequence[int] = arguments["names"]
        having = set(images.filter(**{f"{field}__in": names}).values_list("pk", flat=True))
        column = Image._meta.get_field(field).m2m_reverse_field_name()  # type: ignore[union-attr]
        through.objects.filter(**{"image__in": having, f"{column}__in": names}).delete()
        request_payload_update(Image.objects.filter(pk__in=having))

    return remove


def _set_medium(images: QuerySet[Image], arguments: Mapping[str, Any]) -> None:
    others = images.exclude(medium=arguments["value"])
    request_payload_update(others)
    others.update(medium=arguments["value"])


def _set(field: str) -> _Change:
    """Return the change of a field that no point carries."""

    def change(images: QuerySet[Image], arguments: Mapping[str, Any]) -> None:
        images.update(**{field: arguments["value"]})

    return change


_CHANGES: Mapping[BulkEdit.Kind, _Change] = {
    Kind.DELETE: _delete,
    Kind.REINDEX: _reindex,
    Kind.ADD_TAGS: _add("tags", Tag),
    Kind.REMOVE_TAGS: _remove("tags"),
    Kind.ADD_ALBUMS: _add("albums", Album),
    Kind.REMOVE_ALBUMS: _remove("albums"),
    Kind.SET_MEDIUM: _set_medium,
    Kind.SET_OWNER: _set("owner"),
    Kind.SET_LICENCE: _set("licence"),
}
