"""Query pictures: written by the web, read once by a worker, gone within the hour."""

from uuid import UUID

from search import query_files


def read_query(query_id: UUID) -> bytes:
    """Return the bytes of a query picture.

    Raises:
        DefectError: "storage:ours:file-missing": it expired before a worker came to it.
        TransientError: "storage:transient:unavailable".
    """
    return query_files.read(query_id)


def expire_queries() -> int:
    """Remove query pictures that a crash left behind; return how many."""
    return query_files.delete_expired()
