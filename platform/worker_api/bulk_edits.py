"""A worker's view of a bulk edit: chunk after chunk, until none is left."""

from catalog import services
from jobs.models import Delivery


def apply_next_chunk(edit_id: int, *, delivery: Delivery) -> bool:
    """Change the next images, in one transaction; False where there are none left.

    Raises:
        JobTakenOver: another worker has the job; nothing was changed.
    """
    return services.apply_next_chunk(edit_id, delivery=delivery)
