"""Where a query lies while a person searches with it: its picture, and what was extracted of it.

What a saved search names is copied into a folder of its own: it neither expires nor makes room for
others there, and goes once no saved search names it.
"""

import logging
import threading
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import PurePath
from typing import NamedTuple
from uuid import UUID, uuid4

from django.conf import settings
from django.utils import timezone

from catalog import storage
from kernel.errors import FileMissing
from kernel.task_messages import Box

logger = logging.getLogger(__name__)

FOLDER, EXTRACTED = "queries", "extracted-queries"
# Pictures under their ids; what was extracted of them under an id and a part.
SAVED = "saved-queries"
_FACTS = "facts"
# So long a person may go on searching with parts of the picture.
EXPIRES_AFTER = timedelta(hours=1)
# What a process writes before it looks how much there is, and what is then made free, of the cap.
_STEP_SHARE = 1 / 16


class _File(NamedTuple):
    """A kept file; those written first sort first."""

    written_at: datetime
    file_bytes: int
    name: str


class _Written:
    """Bytes that this process has written since it last looked how much there is."""

    def __init__(self) -> None:
        self._bytes = 0
        self._lock = threading.Lock()

    def add(self, more_bytes: int) -> bool:
        """Count, and return whether it is time to look; then counting begins anew."""
        with self._lock:
            self._bytes += more_bytes
            is_time = self._bytes >= settings.QUERIES_MAX_BYTES * _STEP_SHARE
            if is_time:
                self._bytes = 0
            return is_time


_written = _Written()


def write(data: bytes) -> UUID:
    """Store a query picture and return its id; the oldest make room where there is none."""
    query_id = uuid4()
    _write(f"{FOLDER}/{query_id}", data)
    return query_id


def read(query_id: UUID) -> bytes:
    """Return the bytes of a query picture; errors as in `catalog.storage.read`."""
    return _read(f"{FOLDER}/{query_id}")


def delete(query_id: UUID) -> None:
    """Remove a query picture, and what is known of it."""
    storage.delete(f"{FOLDER}/{query_id}")
    storage.delete(_extracted_name(str(query_id), _FACTS))


def write_extracted(key: str, box: Box | None, data: bytes) -> None:
    """Store what was extracted of a picture, or of one box of it.

    Args:
        key: the id of the kept query; of others any name without a dot that is no such id.
        box: x0, y0, x1, y1 in pixels of the upright picture; None is all.
        data: what was extracted.
    """
    name = _extracted_name(key, _part_of(box))
    # Of a saved picture all of it stays, and the part that was saved: anybody can draw others.
    if storage.exists(_saved(key)) and (box is None or storage.exists(_saved(name))):
        storage.write(_saved(name), data)
    _write(name, data)


def read_extracted(key: str, box: Box | None) -> bytes:
    """Return what `write_extracted` stored; errors as in `catalog.storage.read`."""
    return _read(_extracted_name(key, _part_of(box)))


def write_facts(query_id: UUID, data: bytes) -> None:
    """Store what is known of a query picture before anything is extracted of it."""
    _write(_extracted_name(str(query_id), _FACTS), data)


def read_facts(query_id: UUID) -> bytes:
    """Return what `write_facts` stored; errors as in `catalog.storage.read`."""
    return _read(_extracted_name(str(query_id), _FACTS))


def keep(query_id: UUID, box: Box | None) -> None:
    """Copy a query picture to where it stays, and what was extracted of it or of a box.

    It stays for an hour at least, and as long as `delete_unsaved` is told so.

    Raises:
        FileMissing: it has expired.
        TransientError: "storage:transient:unavailable".
    """
    storage.write(_saved(f"{FOLDER}/{query_id}"), read(query_id))
    for part in {_FACTS, _part_of(None), _part_of(box)}:
        name = _extracted_name(str(query_id), part)
        with suppress(FileMissing):  # the models run again
            storage.write(_saved(name), _read(name))


def delete_unsaved(saved_ids: Collection[UUID]) -> int:
    """Remove what `keep` copied of queries that no saved search names; return how many files.

    What was copied within the hour stays: its saved search may be just about to be recorded.
    """
    oldest = timezone.now() - EXPIRES_AFTER
    named = {str(query_id) for query_id in saved_ids}
    unnamed = [
        name
        for name in storage.list_names(SAVED)
        if PurePath(name).name.partition(".")[0] not in named and _is_older(name, oldest)
    ]
    for name in unnamed:
        storage.delete(name)
    return len(unnamed)


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


def make_room() -> int:
    """Remove the oldest queries beyond QUERIES_MAX_BYTES; return how many files."""
    newest_first = sorted(_files(), reverse=True)
    sums = accumulate(file.file_bytes for file in newest_first)
    kept_bytes = settings.QUERIES_MAX_BYTES * (1 - _STEP_SHARE)
    crowded = [
        file.name for file, total in zip(newest_first, sums, strict=True) if total > kept_bytes
    ]
    for name in crowded:
        storage.delete(name)
    if crowded:
        logger.warning("the oldest queries made room", extra={"files": len(crowded)})
    return len(crowded)


def _files() -> Iterator[_File]:
    for folder in (FOLDER, EXTRACTED):
        for name in storage.list_names(folder):
            with suppress(FileMissing):  # removed since it was listed
                yield _File(storage.modified_at(name), storage.size_of(name), name)


def _write(name: str, data: bytes) -> None:
    storage.write(name, data)
    if _written.add(len(data)):
        make_room()


def _read(name: str) -> bytes:
    try:
        return storage.read(name)
    except FileMissing as error:
        try:
            return storage.read(_saved(name))
        except FileMissing:
            raise error from None


def _saved(name: str) -> str:
    """Return where the copy of a file lies that does not expire."""
    return f"{SAVED}/{PurePath(name).name}"


def _part_of(box: Box | None) -> str:
    return "all" if box is None else "-".join(str(number) for number in box)


def _extracted_name(key: str, part: str) -> str:
    return f"{EXTRACTED}/{key}.{part}"


def _is_older(name: str, moment: datetime) -> bool:
    try:
        return storage.modified_at(name) < moment
    except FileMissing:  # removed since it was listed
        return False
