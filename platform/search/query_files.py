"""Where a query picture lies while workers extract it and a person searches with its regions."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.utils import timezone

from catalog import storage
from kernel.errors import FileMissing

FOLDER = "queries"
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


def delete_expired() -> int:
    """Remove the query pictures whose time is over; return how many."""
    oldest = timezone.now() - EXPIRES_AFTER
    expired = [name for name in storage.list_names(FOLDER) if _is_older(name, oldest)]
    for name in expired:
        storage.delete(name)
    return len(expired)


def _is_older(name: str, moment: datetime) -> bool:
    try:
        return storage.modified_at(name) < moment
    except FileMissing:  # removed since it was listed
        return False
