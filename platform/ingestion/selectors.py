"""What can be asked of imports; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from catalog.models import Image
from catalog.visibility import Viewer, hidden_albums, is_in
from ingestion.models import Import, WatchedFolder

Status = Image.Status


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far the workers are with the images of one import, those being deleted left out."""

    indexed: int = 0
    failed: int = 0
    waiting: int = 0

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
    telling = _telling(hidden).values("pk")
    return Import.objects.filter(Q(started_by=viewer.pk) | ~Q(pk__in=telling))


def list_watched_folders(viewer: Viewer) -> QuerySet[WatchedFolder]:
    """Return a person's own folders, and those of others from which nothing hidden came."""
    hidden = list(hidden_albums(viewer))
    if not hidden:
        return WatchedFolder.objects.all()
    telling = _telling(hidden).values("source")
    return WatchedFolder.objects.filter(Q(added_by=viewer.pk) | ~Q(path__in=telling))


def _telling(hidden: Sequence[int]) -> QuerySet[Import]:
    links = Import.images.through.objects.filter(image__albums__in=hidden)
    return Import.objects.filter(pk__in=links.order_by().values("import_id")).order_by()


def find_progress(
    import_ids: Sequence[UUID], viewer: Viewer | None = None
) -> dict[UUID, ImportProgress]:
    """Return the progress of every import among these.

    Args:
        import_ids: the imports.
        viewer: who is told, of the images that they may see; None is whoever runs the site.
    """
    links = Import.images.through.objects.filter(import_id__in=import_ids)
    hidden = [] if viewer is None else list(hidden_albums(viewer))
    if hidden:
        links = links.exclude(is_in(hidden, image="image_id"))
    rows = links.order_by().values_list("import_id", "image__status").annotate(Count("pk"))
    counts = {(import_id, status): count for import_id, status, count in rows}
    return {
        import_id: ImportProgress(
            indexed=counts.get((import_id, Status.INDEXED), 0),
            failed=counts.get((import_id, Status.FAILED), 0),
            waiting=counts.get((import_id, Status.QUEUED), 0),
        )
        for import_id in import_ids
    }


def seconds_left(current: Import) -> float | None:
    """Return how long an import will still read, at its pace; None where that is not known."""
    if current.state != Import.State.RUNNING or current.total is None or not current.rate:
        return None
    return max(0, current.total - current.found) / current.rate
