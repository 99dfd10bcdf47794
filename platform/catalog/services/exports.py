"""An export: a bulk edit that changes nothing, and leaves files that are kept for a day.

It is made in parts, each stored before its chunks are gone: after a crash the part is made anew
under the same name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from catalog import storage
from catalog.exports import FOLDER, KEEP_FOR, ExportFormat
from catalog.models import BulkEdit
from jobs import services as jobs
from jobs.models import Delivery
from jobs.services import JobTakenOver


@dataclass(frozen=True, slots=True)
class ExportChunk:
    """Images that are exported next; chunks come in the order of their ids."""

    id: int
    image_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class ExportState:
    """Where an export is: its format, and how many parts of it are stored."""

    format: ExportFormat
    parts: int


def find_export(edit_id: int, *, delivery: Delivery) -> ExportState | None:
    """Return an export that runs; None of one that is done, or was removed.

    Raises:
        JobTakenOver: another worker has the job.
    """
    jobs.check(delivery)
    edit = _running(edit_id).first()
    if edit is None:
        return None
    return ExportState(ExportFormat(edit.arguments["format"]), len(edit.arguments.get("parts", ())))


def next_chunk(edit_id: int, *, after_id: int) -> ExportChunk | None:
    """Return the first chunk after another; None where there is none."""
    edit = BulkEdit(pk=edit_id)
    chunk = edit.chunks.filter(pk__gt=after_id).first()
    return None if chunk is None else ExportChunk(chunk.pk, tuple(map(UUID, chunk.image_ids)))


@transaction.atomic
def record_part(
    edit_id: int,
    chunk_ids: Sequence[int],
    *,
    file_bytes: int,
    done: int,
    gone: int,
    delivery: Delivery,
) -> None:
    """Record that the images of these chunks are in a part that is stored; after the last, end.

    Of an export that was cancelled meanwhile nothing is recorded.

    Raises:
        JobTakenOver: another worker has the job; nothing was recorded.
    """
    if not jobs.hold(delivery):
        raise JobTakenOver(delivery)
    edit = _running(edit_id).select_for_update().first()
    if edit is None:
        return
    edit.chunks.filter(pk__in=chunk_ids).delete()
    edit.arguments["parts"] = [*edit.arguments.get("parts", ()), file_bytes]
    edit.done, edit.gone = edit.done + done, edit.gone + gone
    if not edit.chunks.exists():
        edit.state, edit.finished_at = BulkEdit.State.DONE, timezone.now()
    edit.save(update_fields=("arguments", "done", "gone", "state", "finished_at"))


def expire_exports() -> int:
    """Remove the files of exports that ended a day ago or were cancelled; return how many."""
    names = list(storage.list_names(FOLDER))
    edit_ids = {name: int(PurePath(name).name.partition("-")[0]) for name in names}
    is_new = Q(state=BulkEdit.State.DONE, finished_at__gt=timezone.now() - KEEP_FOR)
    is_kept = Q(finished_at=None) | is_new
    kept = set(
        BulkEdit.objects.filter(is_kept, pk__in=set(edit_ids.values())).values_list("pk", flat=True)
    )
    expired = [name for name in names if edit_ids[name] not in kept]
    for name in expired:
        storage.delete(name)
    return len(expired)


def _running(edit_id: int) -> QuerySet[BulkEdit]:
    return BulkEdit.objects.filter(
        pk=edit_id, kind=BulkEdit.Kind.EXPORT, state=BulkEdit.State.RUNNING
    )
