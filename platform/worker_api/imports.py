"""A worker's view of imports: a turn of one, and the watched folders that begin them."""

from uuid import UUID

from ingestion import services
from jobs.models import Delivery

FolderWatch = services.FolderWatch


def run_turn(import_id: UUID, *, delivery: Delivery) -> None:
    """Plan an import, or go on with it for so long as a turn lasts.

    Raises:
        JobTakenOver: another worker has the job.
        TransientError: a part is away; the job comes again.
    """
    services.run_turn(import_id, delivery=delivery)
