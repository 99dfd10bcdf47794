"""Changes of many images, which people confirmed: rows alone, a chunk a transaction."""

from worker_api import bulk_edits
from worker_api.jobs import Delivery

# Chunks a job, some 100,000 images: with more it would keep others from their turn. The next
# sweep goes on.
_MAX_CHUNKS = 200


def run_bulk_edit(edit_id: int, *, delivery: Delivery) -> None:
    """Do what is left of a bulk edit. What an earlier try has done is not done again.

    Raises:
        JobTakenOver: this worker was silent for too long; the rest is its successor's.
    """
    for _ in range(_MAX_CHUNKS):
        if not bulk_edits.apply_next_chunk(edit_id, delivery=delivery):
            break
