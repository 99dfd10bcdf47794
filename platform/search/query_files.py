"""Where a query lies while a person searches with it: its picture, and what was extracted of it."""

from datetime import datetime, timedelta
from pathlib import PurePath
from uuid import UUID, uuid4

from django.utils import timezone

from catalog import storage
from kernel.errors import FileMissing
from kernel.task_messages import Box

FOLDER, EXTRACTED = "queries", "extracted-queries"
# So long a person may go on searching with parts of the picture.
EXPIRES_AFTER = timedelta(hours=1)


def write(data: bytes) -> UUID:
    """Store a query picture and return its id."""
    query_id = uuid4()
    storage.write(f"{FOLDER}/{query_id}", data)
    return query_id


def read(query_id: UUID) -> bytes:
    """Return the bytes of a query picture; errors as in `catalog.storage.read`."""
    return storage.read(f"{FOLDER}/{query_id}")


def delete(query_id: UUID) -> None:
    """Remove a query picture."""
    storage.delete(f"{FOLDER}/{query_id}")


def write_extracted(query_id: UUID, box: Box | None, data: bytes) -> None:
    """Store what was extracted of a query picture, or of one box of it."""
    storage.write(_extracted_name(query_id, box), data)


def read_extracted(query_id: UUID, box: Box | None) -> bytes:
    """Return what `write_extracted` stored; errors as in `catalog.storage.read`."""
    return storage.read(_extracted_name(query_id, box))


def delete_expired() -> int:
    """Remove the query pictures whose time is over, what is made of one before it; return how many.

    What was extracted later than its picture was stored goes with the picture.
    """
    oldest = timezone.now() - EXPIRES_AFTER
    expired = [name for name in storage.list_names(FOLDER) if _is_older(name, oldest)]
    expired_ids = {PurePath(name).name for name in expired}
    for name in list(storage.list_names(EXTRACTED)):
        if PurePath(name).stem in expired_ids or _is_older(name, oldest):
            storage.delete(name)
    for name in expired:
        storage.delete(name)
    return len(expired)


def _extracted_name(query_id: UUID, box: Box | None) -> str:
    part = "all" if box is None else "-".join(str(number) for number in box)
    return f"{EXTRACTED}/{query_id}.{part}"


def _is_older(name: str, moment: datetime) -> bool:
    try:
        return storage.modified_at(name) < moment
    except FileMissing:  # removed since it was listed
        return False
