"""A chunk of an import's files: read here, decoded by threads, added in one transaction."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Self, TypeVar

from django.db import transaction

from catalog.models import Image
from catalog.selectors import find_by_sha256s
from catalog.services import CHUNK_SIZE
from config.logs import log_fields
from ingestion.models import Import
from ingestion.services.files import (
    MetadataRules,
    Outcome,
    PreparedFile,
    ReadFile,
    add_files,
    prepare,
    read_file,
    refuse_open_albums,
)
from ingestion.services.recording import GOING_ON, hold, record
from ingestion.sources import SourceFile
from kernel.database import patiently
from metrics.definitions import FILES_TAKEN_IN

T = TypeVar("T")

# With a slow source a chunk ends after so long, so that what is paused stops soon; with large files
# after so many bytes, which are all in memory.
_CHUNK_S, _CHUNK_BYTES = 2.0, 32 * 1024**2
# Decoding leaves the interpreter to others. What does not is a third of the work, so that more
# threads would wait for it; and each may hold a large picture.
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a chunk.

    Attributes:
        outcomes: each file's end, in order; of those before the one that failed.
        goes_on: whether the run is to go on.
        failure: what a run cannot go on from.
    """

    outcomes: Sequence[Outcome]
    goes_on: bool
    failure: Exception | None

    def told(self) -> Iterator[Outcome]:
        """Yield the outcomes, and then raise the failure."""
        yield from self.outcomes
        if self.failure is not None:
            raise self.failure


class Intake:
    """Takes in the files of a run, chunk by chunk; what it began and did not finish is left.

    Args:
        current: the import that counts them.
        rules: what is done with what is said of them.
        passed_over: as `record`.
        patience_s: how long each step waits for SQL that is away or locked.
    """

    def __init__(
        self,
        current: Import,
        rules: MetadataRules,
        passed_over: Mapping[str, int],
        *,
        patience_s: float,
    ) -> None:
        self._current = current
        self._rules = rules
        self._passed_over = passed_over
        self._patience_s = patience_s
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="import")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def begin(self, files: Sequence[ReadFile]) -> list[Future[PreparedFile]]:
        """Have threads decode and store what is new; return what comes of each, in order.

        Raises:
            TransientError: SQL is out of reach.
        """
        with self._log_fields():
            hashes = [each.sha256 for each in files if each.sha256]
            known = patiently(partial(find_by_sha256s, hashes), for_s=self._patience_s)
            return [self._prepare(each, known.get(each.sha256)) for each in files]

    def _prepare(self, read: ReadFile, known: Image | None) -> Future[PreparedFile]:
        if known is None and read.file.metadata.private_to:
            read = patiently(partial(refuse_open_albums, read), for_s=self._patience_s)
        return self._pool.submit(copy_context().run, prepare, read, known, self._rules)

    def finish(
        self, coming: Sequence[Future[PreparedFile]], *, retried: Collection[int] = ()
    ) -> Taken:
        """Add a chunk and record it: all of it, or nothing where this process dies.

        Where a file cannot be prepared, those before it are added; where the import was paused or
        cancelled, none.

        Args:
            coming: what `begin` returned.
            retried: as `record`.

        Raises:
            ImportTakenOver: another run of the import has begun; nothing was added.
            TransientError: SQL is full or out of reach; likewise.
        """
        prepared: list[PreparedFile] = []
        failure = None
        try:
            for each in coming:
                prepared.append(each.result())
        except Exception as error:  # noqa: BLE001  # raised when those before it are recorded
            failure = error
        add = partial(self._add_and_record, prepared, retried)
        # Around each step, not around all: what runs between them is the caller's.
        with self._log_fields():
            outcomes, goes_on = patiently(add, for_s=self._patience_s)
        for outcome in outcomes:
            code = "" if outcome.error is None else outcome.error.code
            FILES_TAKEN_IN.labels(outcome.result, code).inc()
        return Taken(outcomes, goes_on, failure)

    @transaction.atomic
    def _add_and_record(
        self, files: Sequence[PreparedFile], retried: Collection[int]
    ) -> tuple[list[Outcome], bool]:
        # Asked first: what another run takes in is its own to add, and who pauses means now.
        if hold(self._current).state not in GOING_ON:
            return [], False
        outcomes = add_files(self._current, files, self._rules)
        goes_on = record(self._current, outcomes, self._passed_over, retried=retried)
        return outcomes, goes_on

    def _log_fields(self) -> AbstractContextManager[None]:
        return log_fields(import_id=str(self._current.pk))


def read_chunks(files: Iterable[SourceFile]) -> Iterator[list[ReadFile]]:
    """Yield files as they are taken in together; where the source fails, those before it first."""
    chunk: list[ReadFile] = []
    begun, size = time.monotonic(), 0
    try:
        for file in files:
            read = read_file(file)
            chunk.append(read)
            size += len(read.data)
            is_late = time.monotonic() - begun > _CHUNK_S
            if len(chunk) == CHUNK_SIZE or size >= _CHUNK_BYTES or is_late:
                yield chunk
                chunk, begun, size = [], time.monotonic(), 0
    except Exception:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


def one_ahead(items: Iterable[T]) -> Iterator[T]:
    """Yield each item when the next one has been asked for; where that fails, before it."""
    ahead: list[T] = []
    try:
        for item in items:
            yield from ahead
            ahead = [item]
    except Exception:
        yield from ahead
        raise
    yield from ahead
