"""Bulk ingestion: one way in for every source."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from functools import partial
from pathlib import PurePath
from typing import TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from catalog import services as catalog
from catalog.models import Image
from catalog.selectors import find_by_sha256
from catalog.services import CHUNK_SIZE, ImageMetadata
from catalog.validation import ValidPicture, validate
from config.logs import log_fields
from ingestion.embedded import read_embedded
from ingestion.models import Import, ImportFailure
from ingestion.sources import SourceFile
from kernel.database import patiently
from kernel.errors import ConflictError, UserInputError
from kernel.hashing import sha256_hex
from metrics.definitions import FILES_TAKEN_IN

T = TypeVar("T")

_EMBEDDED_TEXTS = ("description", "creator", "credit", "rights", "usage_terms", "licensor")

# An import that has recorded nothing for so long has lost its process: a chunk of the largest
# pictures takes some minutes.
ABANDONED_AFTER = timedelta(minutes=10)


class Result(StrEnum):
    """How one file of an import ended; also the name of its counter."""

    ADDED = "added"
    DUPLICATES = "duplicates"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One file's end: the image it became or already was, or why it was refused.

    `problems` are codes of what was left out of its metadata.
    """

    name: str
    result: Result
    image_id: UUID | None = None
    error: UserInputError | ConflictError | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetadataRules:
    """What an import does with what is said of its pictures.

    A source's own word goes before what the files say of themselves.

    Attributes:
        updates_known: whether pictures that are there already get it, too; else only a path, where
            they have none.
        tags_from_keywords: whether the keywords in the files become tags.
        titles_from_paths: whether the last part of the path goes before a title in the file.
    """

    updates_known: bool = False
    tags_from_keywords: bool = False
    titles_from_paths: bool = False


_DEFAULT_RULES = MetadataRules()


def start_import(source: str, *, started_by_id: int | None = None) -> Import:
    """Record the start of an import."""
    return Import.objects.create(source=source[:1000], started_by_id=started_by_id)


def take_in(
    current: Import,
    files: Iterable[SourceFile],
    *,
    patience_s: float = 0,
    passed_over: Mapping[str, int] | None = None,
    rules: MetadataRules = _DEFAULT_RULES,
) -> Iterator[Outcome]:
    """Take in every file; yield each one's end as it comes, in order.

    A bad file is recorded as an ImportFailure and never stops the others. Pictures are handed to
    the bulk queue in chunks while the rest is still being read. Run again after an interruption,
    it finds what is there already and goes on.

    Args:
        current: the import that counts them.
        files: what is taken in, asked for one by one.
        patience_s: how long each step waits for SQL that is away or locked.
        passed_over: kind → how many files the source has passed over so far.
        rules: what is done with what is said of the pictures.

    Raises:
        TransientError: the storage or SQL is full or out of reach. The import is left interrupted
            and what was taken in so far is kept and will be indexed.
    """

    def step(work: Callable[[], T], *, for_s: float = patience_s) -> T:
        # Around each step, not around all: what runs between them is the caller's.
        with log_fields(import_id=str(current.pk)):
            return patiently(work, for_s=for_s)

    chunk: list[Outcome] = []
    passed_over = {} if passed_over is None else passed_over
    finished = False
    try:
        for file in files:
            outcome = step(partial(_take_in_one, current, file, rules))
            chunk.append(outcome)
            if len(chunk) == CHUNK_SIZE:
                step(partial(_record, current, chunk, passed_over))
                chunk = []
            code = "" if outcome.error is None else outcome.error.code
            FILES_TAKEN_IN.labels(outcome.result, code).inc()
            yield outcome
        finished = True
    finally:
        end = partial(_end, current, chunk, passed_over, finished=finished)
        step(end, for_s=patience_s if finished else 0)


@transaction.atomic
def _end(
    current: Import, chunk: list[Outcome], passed_over: Mapping[str, int], *, finished: bool
) -> None:
    _record(current, chunk, passed_over)
    current.state = Import.State.FINISHED if finished else Import.State.INTERRUPTED
    current.finished_at = timezone.now()
    current.save(update_fields=("state", "finished_at"))


def _take_in_one(current: Import, file: SourceFile, rules: MetadataRules) -> Outcome:
    try:
        return _add(current, file, rules)
    except (UserInputError, ConflictError) as error:
        ImportFailure.objects.create(of=current, name=file.name[:1000], error_code=error.code)
        return Outcome(name=file.name, result=Result.FAILED, error=error)


def _add(current: Import, file: SourceFile, rules: MetadataRules) -> Outcome:
    data = file.read()
    # Asked before decoding, so that running an import again costs a hash a file.
    known = find_by_sha256(sha256_hex(data))
    if known is not None and known.status == Image.Status.DELETING:
        raise ConflictError("image:conflict:being-deleted")
    if known is None:
        picture = _valid(data, file)
        metadata, problems = _metadata(data, file, rules)
        if not file.is_all_said:
            title = metadata.title or _title_from_path(file)
            metadata = replace(metadata, title=title, source=metadata.source or current.source)
        kept = replace(metadata, path=file.path)
        added = catalog.add_picture(picture, kept)
        result = Result.ADDED if added.is_new else Result.DUPLICATES
        return Outcome(file.name, result, added.image_id, problems=problems)
    if known.status == Image.Status.FAILED:
        catalog.restore_picture(_valid(data, file))
    catalog.fill_in_path(known, file.path)
    problems = ()
    if rules.updates_known:
        metadata, problems = _metadata(data, file, rules)
        # Where it was first found is kept, with its path.
        catalog.update_metadata(known, replace(metadata, source=""))
    return Outcome(file.name, Result.DUPLICATES, known.pk, problems=problems)


def _valid(data: bytes, file: SourceFile) -> ValidPicture:
    return validate(data, name=file.name, is_name_binding=file.is_name_binding)


def _metadata(
    data: bytes, file: SourceFile, rules: MetadataRules
) -> tuple[ImageMetadata, tuple[str, ...]]:
    """Return what the source says, else the file; and what of the file's word was left out."""
    said = file.metadata
    if file.is_all_said:
        return said, ()
    embedded = read_embedded(data, sidecar=file.read_sidecar())
    title = _title_from_path(file) if rules.titles_from_paths else embedded.title
    keywords = embedded.keywords if rules.tags_from_keywords else ()
    texts = {name: getattr(said, name) or getattr(embedded, name) for name in _EMBEDDED_TEXTS}
    metadata = replace(
        said,
        **texts,
        title=said.title or title,
        taken_at=said.taken_at or (embedded.taken_at.isoformat() if embedded.taken_at else ""),
        tags=(*said.tags, *keywords),
    )
    return metadata, embedded.problems


def _title_from_path(file: SourceFile) -> str:
    return PurePath(file.path or file.name).stem


@transaction.atomic
def _record(current: Import, outcomes: list[Outcome], passed_over: Mapping[str, int]) -> None:
    """Add a chunk to the import's counts and hand its new pictures to the workers."""
    counts = Counter(outcome.result for outcome in outcomes)
    Import.objects.filter(pk=current.pk).update(
        touched_at=timezone.now(),
        found=F("found") + len(outcomes),
        passed_over=dict(passed_over),
        **{result.value: F(result.value) + counts[result] for result in Result},
    )
    links = Import.images.through
    ids = {outcome.image_id for outcome in outcomes if outcome.image_id}
    # Locked, since an image whose file was there already may be deleted at any time; by id, as
    # `catalog.services.waiting.lock` says.
    images = Image.objects.filter(pk__in=ids).order_by("pk").select_for_update()
    stored = dict(images.values_list("pk", "job"))
    links.objects.bulk_create(
        [links(import_id=current.pk, image_id=image_id) for image_id in stored],
        ignore_conflicts=True,
    )
    new = [o.image_id for o in outcomes if o.result is Result.ADDED and o.image_id in stored]
    # Where reading took long, the sweep has handed some out already.
    catalog.enqueue_indexing([image_id for image_id in new if stored[image_id] is None])


def close_abandoned() -> int:
    """Mark as interrupted the imports whose process is gone; return how many.

    One that was only slow marks itself finished at its end.
    """
    now = timezone.now()
    abandoned = Import.objects.filter(
        state=Import.State.RUNNING, touched_at__lt=now - ABANDONED_AFTER
    )
    return abandoned.update(state=Import.State.INTERRUPTED, finished_at=now)
