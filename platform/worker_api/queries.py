"""Query pictures: written by the web, read by workers, gone after an hour."""

from uuid import UUID

from search import query_files


def read_query(query_id: UUID) -> bytes:
    """Return the bytes of a query picture.

    Raises:
        FileMissing: it expired before a worker came to it.
        TransientError: "storage:transient:unavailable".
    """
    return query_files.read(query_id)


def expire_queries() -> int:
    """Remove query pictures that are too old, or too many; return how many files."""
    return query_files.delete_expired() + query_files.make_room()
