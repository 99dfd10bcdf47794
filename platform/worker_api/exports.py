"""A worker's view of an export: which images, their rows, and the part that was made of them."""

from collections.abc import Sequence
from typing import IO, Any
from uuid import UUID

from catalog import exports, services, storage
from jobs.models import Delivery

COLUMNS = exports.COLUMNS
ExportFormat = exports.ExportFormat
ExportChunk = services.ExportChunk
ExportState = services.ExportState
json_line = exports.json_line
table_line = exports.table_line
csv_line = exports.csv_line
scratch_file = storage.scratch_file


def find_export(edit_id: int, *, delivery: Delivery) -> ExportState | None:
    """Return an export that runs; None of one that is done, or was removed.

    Raises:
        JobTakenOver: another worker has the job.
    """
    return services.find_export(edit_id, delivery=delivery)


def next_chunk(edit_id: int, *, after_id: int) -> ExportChunk | None:
    """Return the first chunk after another; None where there is none."""
    return services.next_chunk(edit_id, after_id=after_id)


def read_rows(edit_id: int, image_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Return what is exported of each image that can still be seen, as `COLUMNS` has it."""
    return exports.read_rows(edit_id, image_ids)


def keep_part(
    edit_id: int,
    number: int,
    file: IO[bytes],
    chunk_ids: Sequence[int],
    *,
    done: int,
    gone: int,
    delivery: Delivery,
) -> None:
    """Store a part, and record that the images of these chunks are in it.

    Raises:
        JobTakenOver: another worker has the job; nothing was recorded.
        TransientError: the storage is full or out of reach.
    """
    file_bytes = file.seek(0, 2)
    file.seek(0)
    storage.write_file(exports.part_name(edit_id, number), file)
    services.record_part(
        edit_id, chunk_ids, file_bytes=file_bytes, done=done, gone=gone, delivery=delivery
    )


def expire_exports() -> int:
    """Remove the files of exports that ended a day ago; return how many."""
    return services.expire_exports()
