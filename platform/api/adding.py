"""Pictures that a program sends for the catalogue: the upload page's way in, each with its end."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from api.image_lists import find_with_parts
from api.named_rows import known_albums, known_tags
from api.problems import present
from api.schemas.base import problem_shape
from api.schemas.images import AddedFileJson, AddedJson, AddingOptions, image_json
from catalog.models import Image
from catalog.selectors import find_held, find_private_to_others
from catalog.services import ImageMetadata
from catalog.visibility import Viewer, list_albums
from ingestion.services import (
    ImportOptions,
    MetadataRules,
    Outcome,
    start_import,
    take_in,
)
from ingestion.sources import SourceFile, UploadSource
from kernel.errors import AppError, ConflictError, UserInputError
from site_http.limits import Limited, take

# What an import and its images say of where they are from.
SOURCE = "api"


def add_sent_pictures(
    files: "Sequence[UploadedFile[Any]]", options: AddingOptions, request: HttpRequest
) -> AddedJson:
    """Take pictures in; return each one's end, in order.

    Raises:
        UserInputError: "image:user:none-chosen", "request:user:unknown-names"; of a single
            picture also why it is refused.
        ConflictError: the same.
        LimitReached: the caller adds too many.
        TransientError: a part is away; what was taken in before that stays.
    """
    if not files:
        raise UserInputError("image:user:none-chosen")
    take(request, Limited.UPLOADS, len(files))
    viewer = request.user
    metadata = _metadata(options, viewer)
    # Who sends a picture by hand wants it in the catalogue: one in the bin comes back.
    rules = MetadataRules(known=options.known, copies=options.copies, restores_binned=True)
    current = start_import(SOURCE, options=ImportOptions(rules=rules), started_by_id=viewer.pk)
    outcomes = list(take_in(current, _with(metadata, files), rules=rules))
    if len(outcomes) == 1 and outcomes[0].error is not None:
        raise outcomes[0].error
    return AddedJson(import_id=current.pk, results=_results(outcomes, viewer))


def _metadata(options: AddingOptions, viewer: Viewer) -> ImageMetadata:
    known_albums(options.albums, viewer)
    known_tags(options.tags, viewer)
    texts = options.model_dump(exclude={"known", "copies", "tags", "albums", "medium"})
    return ImageMetadata(
        **texts,
        tags=tuple(options.tags),
        albums=tuple(options.albums),
        medium=options.medium or "",
    )


def _with(metadata: ImageMetadata, files: "Sequence[UploadedFile[Any]]") -> Iterator[SourceFile]:
    for file in UploadSource(files).files(Counter()):
        yield replace(file, metadata=metadata)


def _results(outcomes: Sequence[Outcome], viewer: Viewer) -> list[AddedFileJson]:
    ids = {outcome.image_id for outcome in outcomes if outcome.image_id}
    images = find_with_parts(ids, viewer)
    missing = ids - set(images)
    others, held = find_private_to_others(missing, viewer), find_held(missing)
    albums = set(list_albums(viewer).values_list("pk", flat=True))
    return [_result(each, images, others, held, albums) for each in outcomes]


def _result(
    outcome: Outcome,
    images: dict[UUID, Image],
    others: set[UUID],
    held: set[UUID],
    albums: set[int],
) -> AddedFileJson:
    image = images.get(outcome.image_id) if outcome.image_id else None
    error: AppError | None = outcome.error
    if image is None and error is None:  # kept from who asks, or from all
        why = "held" if outcome.image_id in held else "being-deleted"
        code = "private" if outcome.image_id in others else why
        error = ConflictError(f"image:conflict:{code}")
    return AddedFileJson(
        name=outcome.name,
        result="restored" if outcome.is_restored else outcome.result.value,
        image=None if image is None else image_json(image, albums=albums),
        problem=None if error is None else problem_shape(present(error)),
    )
