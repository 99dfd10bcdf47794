"""One change of many images, over a set that was fixed when it was asked for.

Asking stores the ids; only confirming starts the work, a chunk a transaction: the change, the
counts, and the chunk's end are written together, so that a crash leaves no image undone or done
twice.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from itertools import chain
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from audit_log import services as audit_log
from audit_log.models import AuditEntry
from catalog.models import Album, BulkEdit, BulkEditChunk, Image, Tag, max_chars
from catalog.selectors import (
    list_binned_images,
    list_current_images,
    list_held_images,
)
from catalog.services.bin import move_to_bin, purge, restore
from catalog.services.copy_checks import refuse_held, take_in_held
from catalog.services.indexing import request_indexing
from catalog.services.media import confirm_media
from catalog.services.payloads import request_payload_update
from catalog.services.waiting import lock
from catalog.visibility import Viewer, seen_by, viewer_of
from jobs import dispatch
from jobs.models import Delivery, JobRecord
from jobs.services import JobTakenOver, hold
from kernel import task_names

Kind, State = BulkEdit.Kind, BulkEdit.State

# Images changed in one transaction: what other writers may have to wait for stays short.
CHUNK_IMAGES = 500
_KEEP_UNCONFIRMED = timedelta(days=1)
# Stands for what each image has, in a title for many.
OLD_TITLE = "{title}"
# After a job that ended without finishing, the next one waits so long.
_RETRY_AFTER = timedelta(seconds=60)


@transaction.atomic
def ask_bulk_edit(
    kind: str, images: QuerySet[Image], *, started_by_id: int | None = None
) -> BulkEdit:
    """Fix the set of images that a change is for, in the order of the query; change none."""
    ids = dict.fromkeys(images.values_list("pk", flat=True))  # a filter may find one twice
    edit = BulkEdit.objects.create(
        kind=kind,
        total=len(ids),
        started_by_id=started_by_id,
        by_account=started_by_id is not None,
    )
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
            an owner, a licence or a title, in which `OLD_TITLE` stands for what each has;
            ``{"find": text, "value": text}`` of what is replaced in titles;
            ``{"format": one of `ExportFormat`}``, ``{}`` for other kinds.
    """
    edit.arguments = dict(arguments)
    asked = BulkEdit.objects.filter(pk=edit.pk, state=State.ASKED)
    started = asked.update(state=State.RUNNING, arguments=edit.arguments, started_at=timezone.now())
    if started:
        _entry(edit)
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
    kind = Kind(edit.kind)
    ids = [UUID(one) for one in chunk.image_ids]
    viewer = viewer_of(edit.started_by, by_account=edit.by_account)
    images = _reachable(kind, viewer).filter(pk__in=ids)
    lock(images)
    done = images.count()
    changed = _CHANGES[kind](images, edit)
    audit_log.record_images(_entry(edit), changed)
    chunk.delete()
    edit.done, edit.gone = F("done") + done, F("gone") + len(ids) - done
    edit.save(update_fields=("done", "gone"))
    return True


@transaction.atomic
def cancel_bulk_edit(edit: BulkEdit, *, by_id: int | None = None) -> bool:
    """End a bulk edit that runs: what is changed stays so, the rest is left as it is.

    An export that is cancelled leaves no files.

    Returns:
        False where it had ended before, or was never started.
    """
    row = BulkEdit.objects.select_for_update().filter(pk=edit.pk, state=State.RUNNING).first()
    if row is None:
        return False
    row.state, row.finished_at = State.CANCELLED, timezone.now()
    row.save(update_fields=("state", "finished_at"))
    row.chunks.all().delete()
    counts = {"images": row.total, "done": row.done, "gone": row.gone}
    details = {"kind": row.kind, "state": str(State.CANCELLED), **counts}
    audit_log.record(AuditEntry.Action.ENDED, row, actor_id=by_id, details=details)
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


def _entry(edit: BulkEdit) -> AuditEntry:
    """Return what the audit log says of a bulk edit: one entry, whatever the number of images."""
    details = {"kind": edit.kind, "images": edit.total, **edit.arguments}
    if "names" in edit.arguments:
        model = _NAMED[Kind(edit.kind)]
        named = model._default_manager.filter(pk__in=edit.arguments["names"])
        details["names"] = list(named.values_list("name", flat=True))
    return audit_log.find_or_record(
        AuditEntry.Action.STARTED, edit, actor_id=edit.started_by_id, details=details
    )


def _enqueue(edit_id: int) -> None:
    edit = BulkEdit.objects.filter(pk=edit_id)
    is_export = edit.filter(kind=Kind.EXPORT).exists()
    task = task_names.EXPORT_IMAGES if is_export else task_names.EDIT_IMAGES
    edit.update(job=dispatch.enqueue(task, edit_id=edit_id))


# What is done to the images of a chunk, which are locked. None may leave the images' query empty
# before it has done with it: a change of medium, say, is told to the points first.
# Returns the images that are another now, by what they had: an old value, or, of tags and albums,
# the name that they got or lost.
_Changed = Mapping[str, Iterable[UUID]]
_Change = Callable[[QuerySet[Image], BulkEdit], _Changed]
# What is done to images in the bin, and to those held for review; all else to the others.
_IN_BIN = frozenset({Kind.RESTORE, Kind.PURGE})
_HELD = frozenset({Kind.TAKE_IN, Kind.REFUSE})


def _reachable(kind: BulkEdit.Kind, viewer: Viewer | None) -> QuerySet[Image]:
    """Return what a kind of change is made of, less what was made private to others since."""
    if kind in _HELD:
        return list_held_images(viewer)
    images = list_binned_images() if kind in _IN_BIN else list_current_images()
    return images if viewer is None else seen_by(images, viewer)


def _in_or_out(move: Callable[..., int]) -> _Change:
    """Return the change that moves images into the bin, out of it, or away."""

    def change(images: QuerySet[Image], edit: BulkEdit) -> _Changed:
        ids = list(images.values_list("pk", flat=True))
        move(images, by_id=edit.started_by_id, is_recorded=False)
        return {"": ids}

    return change


def _take_in(images: QuerySet[Image], _: BulkEdit) -> _Changed:
    ids = list(images.values_list("pk", flat=True))
    take_in_held(images)
    return {"": ids}


def _refuse(images: QuerySet[Image], edit: BulkEdit) -> _Changed:
    ids = list(images.values_list("pk", flat=True))
    refuse_held(images, by_id=edit.started_by_id)
    return {"": ids}


def _reindex(images: QuerySet[Image], _: BulkEdit) -> _Changed:
    request_indexing(images)
    return {}  # nothing that people said has changed


def _add(field: str, model: type[Tag | Album]) -> _Change:
    """Return the change that adds tags or albums, those that are still there."""
    through: Any = getattr(Image, field).through
    column = model._meta.model_name

    def add(images: QuerySet[Image], edit: BulkEdit) -> _Changed:
        ids = list(images.values_list("pk", flat=True))
        changed: dict[str, list[UUID]] = {}
        for named in model._default_manager.filter(pk__in=edit.arguments["names"]):
            have = set(images.filter(**{field: named.pk}).values_list("pk", flat=True))
            lacking = [pk for pk in ids if pk not in have]
            rows = [through(**{"image_id": pk, f"{column}_id": named.pk}) for pk in lacking]
            through.objects.bulk_create(rows, ignore_conflicts=True)  # others add it, too
            changed[named.name] = lacking
        outdated = set(chain.from_iterable(changed.values()))
        request_payload_update(Image.objects.filter(pk__in=outdated))
        return changed

    return add


def _remove(field: str) -> _Change:
    """Return the change that takes tags or albums away."""
    through: Any = getattr(Image, field).through

    column = Image._meta.get_field(field).m2m_reverse_field_name()  # type: ignore[union-attr]

    def remove(images: QuerySet[Image], edit: BulkEdit) -> _Changed:
        rows = through.objects.filter(
            **{
                "image__in": images.order_by().values("pk"),
                f"{column}__in": edit.arguments["names"],
            }
        )
        changed: dict[str, list[UUID]] = defaultdict(list)
        for image_id, name in rows.values_list("image_id", f"{column}__name"):
            changed[name].append(image_id)
        rows.delete()
        outdated = set(chain.from_iterable(changed.values()))
        request_payload_update(Image.objects.filter(pk__in=outdated))
        return changed

    return remove


def _set(field: str) -> _Change:
    """Return the change of a field that points carry."""

    def change(images: QuerySet[Image], edit: BulkEdit) -> _Changed:
        if field == "medium":
            confirm_media(images)
        others = images.exclude(**{field: edit.arguments["value"]})
        request_payload_update(others)
        changed: dict[str, list[UUID]] = defaultdict(list)
        for image_id, old in others.values_list("pk", field):
            changed[old].append(image_id)
        others.update(**{field: edit.arguments["value"]})
        return changed

    return change


def _retitle(new_title: Callable[[str, Mapping[str, str]], str]) -> _Change:
    """Return the change of titles, each to what comes of its own and the arguments."""

    def change(images: QuerySet[Image], edit: BulkEdit) -> _Changed:
        changed: dict[str, list[UUID]] = defaultdict(list)
        outdated = []
        for image in images.only("pk", "title"):
            old = image.title
            image.title = new_title(old, edit.arguments).strip()[: max_chars(Image, "title")]
            if image.title != old:
                outdated.append(image)
                changed[old].append(image.pk)
        Image.objects.bulk_update(outdated, ["title"])
        return changed

    return change


_NAMED: Mapping[BulkEdit.Kind, type[Tag | Album]] = {
    Kind.ADD_TAGS: Tag,
    Kind.REMOVE_TAGS: Tag,
    Kind.ADD_ALBUMS: Album,
    Kind.REMOVE_ALBUMS: Album,
}
_CHANGES: Mapping[BulkEdit.Kind, _Change] = {
    Kind.BIN: _in_or_out(move_to_bin),
    Kind.RESTORE: _in_or_out(restore),
    Kind.PURGE: _in_or_out(purge),
    Kind.TAKE_IN: _take_in,
    Kind.REFUSE: _refuse,
    Kind.REINDEX: _reindex,
    Kind.ADD_TAGS: _add("tags", Tag),
    Kind.REMOVE_TAGS: _remove("tags"),
    Kind.ADD_ALBUMS: _add("albums", Album),
    Kind.REMOVE_ALBUMS: _remove("albums"),
    Kind.SET_MEDIUM: _set("medium"),
    Kind.SET_TITLE: _retitle(lambda old, said: said["value"].replace(OLD_TITLE, old)),
    Kind.REPLACE_IN_TITLE: _retitle(lambda old, said: old.replace(said["find"], said["value"])),
    Kind.SET_OWNER: _set("owner"),
    Kind.SET_LICENCE: _set("licence"),
}
