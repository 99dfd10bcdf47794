"""What can be asked of imports; nothing here writes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from catalog.models import CopyCheck, Image
from catalog.visibility import Viewer, hidden_albums, is_in
from ingestion.models import Import, WatchedFolder

Status = Image.Status


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far the workers are with the images of one import, those being deleted left out.

    Of those indexed `uncompared` are still to be compared with the catalogue; `held` and `refused`
    are copies.
    """

    indexed: int = 0
    failed: int = 0
    waiting: int = 0
    uncompared: int = 0
    held: int = 0
    refused: int = 0

    @property
    def total(self) -> int:
        """Images of the import."""
        return self.indexed + self.failed + self.waiting


def list_imports(viewer: Viewer) -> QuerySet[Import]:
    """Return a person's own imports, and those of others that brought nothing hidden from them.

    Where an import was from, and the names of what it refused, tell of what it brought.
    """
    hidden = list(hidden_albums(viewer))
    if not hidden:
        return Import.objects.all()
    return Import.objects.filter(Q(started_by=viewer.pk) | ~_brought(hidden))


def list_watched_folders(viewer: Viewer) -> QuerySet[WatchedFolder]:
    """Return a person's own folders, and those of others from which nothing hidden came."""
    hidden = list(hidden_albums(viewer))
    if not hidden:
        return WatchedFolder.objects.all()
    telling = Import.objects.filter(_brought(hidden)).order_by().values("source")
    return WatchedFolder.objects.filter(Q(added_by=viewer.pk) | ~Q(path__in=telling))


def _brought(hidden: Sequence[int]) -> Exists:
    """Whether an import brought, or met, images of one of these albums."""
    links = Import.images.through.objects.filter(**{"import": OuterRef("pk")})
    return Exists(links.filter(is_in(hidden, image="image_id")))


def find_progress(
    import_ids: Sequence[UUID], viewer: Viewer | None = None
) -> dict[UUID, ImportProgress]:
    """Return the progress of every import among these.

    Args:
        import_ids: the imports.
        viewer: who is told, of the images that they may see; None is whoever runs the site.
    """
    links = Import.images.through.objects.filter(import_id__in=import_ids).order_by()
    hidden = [] if viewer is None else list(hidden_albums(viewer))
    if hidden:
        links = links.exclude(is_in(hidden, image="image_id"))
    totals = _count_by_import(links)
    # Nearly all are indexed: looking each up for its status would take SQLite ten times as long.
    failed, waiting, leaving = (
        _count_by_import(links.filter(image__in=Image.objects.filter(status=status).order_by()))
        for status in (Status.FAILED, Status.QUEUED, Status.DELETING)
    )
    checks = CopyCheck.objects.filter(image__status=Status.INDEXED)
    uncompared, held, refused = (
        _count_by_import(links.filter(image__in=checks.filter(state=state).values("image")))
        for state in (CopyCheck.State.WAITING, CopyCheck.State.HELD, CopyCheck.State.REFUSED)
    )
    return {
        import_id: ImportProgress(
            indexed=totals[import_id] - failed[import_id] - waiting[import_id] - leaving[import_id],
            failed=failed[import_id],
            waiting=waiting[import_id],
            uncompared=uncompared[import_id],
            held=held[import_id],
            refused=refused[import_id],
        )
        for import_id in import_ids
    }


def _count_by_import(links: QuerySet[Any]) -> Counter[UUID]:
    return Counter(dict(links.values_list("import_id").annotate(Count("pk"))))


def seconds_left(current: Import) -> float | None:
    """Return how long an import will still read, at its pace; None where that is not known."""
    if current.state != Import.State.RUNNING or current.total is None or not current.rate:
        return None
    return max(0, current.total - current.found) / current.rate
