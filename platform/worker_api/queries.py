"""Query pictures: written by the web, read by workers, gone after an hour unless they are saved."""

from uuid import UUID

from search import query_files
from search.saved import list_saved_query_ids


def read_query(query_id: UUID) -> bytes:
    """Return the bytes of a query picture.

    Raises:
        FileMissing: it expired before a worker came to it.
        TransientError: "storage:transient:unavailable".
    """
    return query_files.read(query_id)


def expire_queries() -> int:
    """Remove query pictures that are too old, too many, or saved no more; return how many files."""
    unsaved = query_files.delete_unsaved(list_saved_query_ids())
    return unsaved + query_files.delete_expired() + query_files.make_room()
