"""What can be asked of imports; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count

from catalog.models import Image
from ingestion.models import Import

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


def find_progress(import_ids: Sequence[UUID]) -> dict[UUID, ImportProgress]:
    """Return the progress of every import among these, in one query."""
    rows = (
        Import.images.through.objects.filter(import_id__in=import_ids)
        .order_by()
        .values_list("import_id", "image__status")
        .annotate(Count("pk"))
    )
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
