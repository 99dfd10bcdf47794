"""One search: a picture in, the images of the catalogue that are most like it out."""

import base64
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from catalog.models import EncoderVersion, Image
from catalog.selectors import find_images, get_live_encoder
from catalog.validation import ValidPicture, validate
from catalog.vector_store import open_index
from jobs import dispatch
from kernel import task_names
from kernel.errors import AppError, DefectError, TransientError, UserInputError
from search import query_files
from vectors.index import Hit

logger = logging.getLogger(__name__)

# Hits on a page.
RESULT_COUNT = 24
# Regions asked for: several may belong to one image, and images being deleted drop out.
_REGION_COUNT = 3 * RESULT_COUNT


@dataclass(frozen=True, slots=True)
class ImageHit:
    """An image of the catalogue that a search found; rank from 1, score = best region's cosine."""

    image: Image
    rank: int
    score: float
    is_identical: bool


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to one search, best first, and where the time went."""

    query: ValidPicture
    hits: tuple[ImageHit, ...]
    encode_ms: float
    total_ms: float


@dataclass(frozen=True, slots=True)
class _DescribedQuery:
    embedding: NDArray[np.float32]
    encode_ms: float


def search(data: bytes, *, name: str) -> SearchResult:
    """Find the images most like a picture.

    Args:
        data: the query picture's file.
        name: its file name.

    Raises:
        UserInputError: the file is no picture that we take (`catalog.validation.validate`).
        TransientError: worker, broker or vector store is away or slow; say so and try again.
        DefectError: ours.
    """
    started = time.perf_counter()
    picture = validate(data, name=name)
    version = get_live_encoder()
    described = _describe(picture, version)
    hits = open_index(version).search(described.embedding[np.newaxis], k=_REGION_COUNT)[0]
    return SearchResult(
        query=picture,
        hits=_group_by_image(hits, query_sha256=picture.sha256),
        encode_ms=described.encode_ms,
        total_ms=(time.perf_counter() - started) * 1000,
    )


def _describe(picture: ValidPicture, version: EncoderVersion) -> _DescribedQuery:
    query_id = query_files.write(picture.data)
    try:
        answer = dispatch.ask(
            task_names.DESCRIBE_QUERY,
            timeout_s=settings.SEARCH_TIMEOUT_S,
            query_id=str(query_id),
        )
    finally:
        with suppress(TransientError):  # what stays behind expires
            query_files.delete(query_id)
    if "error" in answer:
        raise _error(answer)
    if answer["encoder_version"] != version.pk:
        raise TransientError("encoder:transient:changing")
    return _DescribedQuery(
        embedding=np.frombuffer(base64.b64decode(answer["embedding"]), dtype="<f4"),
        encode_ms=answer["encode_ms"],
    )


def _error(answer: dict[str, Any]) -> AppError:
    """Return the worker's error again: its code says whose it is."""
    code = answer["error"]
    kinds: dict[str, type[AppError]] = {"user": UserInputError, "ours": DefectError}
    kind = kinds.get(code.split(":")[1], TransientError)
    return kind(code, **answer.get("context", {}))


def _group_by_image(hits: list[Hit], *, query_sha256: str) -> tuple[ImageHit, ...]:
    """Keep each image's best region, in the order of the hits; drop images without a row."""
    best: dict[UUID, float] = {}
    for hit in hits:
        best.setdefault(hit.payload.image_id, hit.score)
    images = find_images(best)
    found = [(images[image_id], score) for image_id, score in best.items() if image_id in images]
    return tuple(
        ImageHit(image, rank, score, is_identical=image.sha256 == query_sha256)
        for rank, (image, score) in enumerate(found[:RESULT_COUNT], start=1)
    )
