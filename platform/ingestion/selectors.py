"""What can be asked of imports; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from catalog.models import CopyCheck, Image
from catalog.visibility import Viewer, hidden_albums, is_in
from ingestion.models import Import

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
    links = Import.images.through.objects.filter(image__albums__in=hidden)
    telling = links.order_by().values("import_id").distinct()
    return Import.objects.filter(Q(started_by=viewer.pk) | ~Q(pk__in=telling))


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
    copies = links.filter(image__copy_check__isnull=False, image__status=Status.INDEXED).order_by()
    states = copies.values_list("import_id", "image__copy_check__state").annotate(Count("pk"))
    counts |= {(import_id, state): count for import_id, state, count in states}
    return {
        import_id: ImportProgress(
            indexed=counts.get((import_id, Status.INDEXED), 0),
            failed=counts.get((import_id, Status.FAILED), 0),
            waiting=counts.get((import_id, Status.QUEUED), 0),
            uncompared=counts.get((import_id, CopyCheck.State.WAITING), 0),
            held=counts.get((import_id, CopyCheck.State.HELD), 0),
            refused=counts.get((import_id, CopyCheck.State.REFUSED), 0),
        )
        for import_id in import_ids
    }


def seconds_left(current: Import) -> float | None:
    """Return how long an import will still read, at its pace; None where that is not known."""
    if current.state != Import.State.RUNNING or current.total is None or not current.rate:
        return None
    return max(0, current.total - current.found) / current.rate
