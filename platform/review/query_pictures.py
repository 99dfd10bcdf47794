"""Pictures that were asked with and decided about, kept for as long as a decision names them.

A query expires within the hour, and a decision would be about nothing. Each is named by the SHA-256
of the file that was sent; what lies behind the picture in it is not kept (`ml.rules.file_end`).
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from catalog import storage
from kernel.errors import FileMissing, GoneError
from review.models import Decision
from search import query_files

FOLDER = "decided-queries"
# Whoever decides stores the picture first and then the row.
_UNNAMED_FOR = timedelta(hours=1)


def stored_name(sha256: str) -> str:
    """Return the storage name of a picture that was asked with."""
    return f"{FOLDER}/{sha256[:2]}/{sha256}"


def keep(query_id: UUID, sha256: str) -> None:
    """Keep the picture of a query for good.

    Raises:
        GoneError: "search:user:query-expired", and nobody kept it before.
        TransientError: the storage is away.
    """
    try:
        data = query_files.read(query_id)
    except FileMissing as error:
        if storage.exists(stored_name(sha256)):
            return
        raise GoneError("search:user:query-expired") from error
    storage.write(stored_name(sha256), data)


def read(decision: Decision) -> bytes:
    """Return the file that a decision was asked with; errors as in `catalog.storage.read`."""
    if decision.query_image_id is not None:
        return storage.read(storage.original_name(decision.query_sha256))
    return storage.read(stored_name(decision.query_sha256))


def delete_unnamed() -> int:
    """Remove pictures that no decision names any more; return how many."""
    oldest = timezone.now() - _UNNAMED_FOR
    names = [name for name in storage.list_names(FOLDER) if _is_older(name, oldest)]
    return sum(delete_unless_named(storage.parse_sha256(name)) for name in names)


def delete_unless_named(sha256: str) -> bool:
    """Remove the picture of a decision that is gone, unless another names it; whether it went."""
    if Decision.objects.filter(query_sha256=sha256, query_image__isnull=True).exists():
        return False
    storage.delete(stored_name(sha256))
    return True


def _is_older(name: str, moment: datetime) -> bool:
    try:
        return storage.modified_at(name) < moment
    except FileMissing:  # removed since it was listed
        return False
