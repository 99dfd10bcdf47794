"""Query pictures: written by the web, read by workers, gone after an hour unless they are saved."""

from catalog import storage
from kernel.task_messages import StoredQuery
from search import query_files
from search.saved import list_saved_query_ids


def read_query(query: StoredQuery) -> bytes:
    """Return the bytes of a query picture: a kept one, or the original of an image.

    Raises:
        FileMissing: it expired before a worker came to it, or the original is lost.
        TransientError: "storage:transient:unavailable".
    """
    if query.original_sha256 is not None:
        return storage.read(storage.original_name(query.original_sha256))
    return query_files.read(query.id)


def expire_queries() -> int:
    """Remove query pictures that are too old, too many, or saved no more; return how many files."""
    unsaved = query_files.delete_unsaved(list_saved_query_ids())
    return unsaved + query_files.delete_expired() + query_files.make_room()
