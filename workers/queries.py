"""What a person waits for: a query's regions and their embeddings, and the copies of them."""

import time
from dataclasses import astuple
from functools import lru_cache

from kernel.errors import UserInputError
from kernel.task_messages import (
    ExtractedQuery,
    ExtractQueryRequest,
    FindCopiesRequest,
    FoundCopies,
    QueryRegion,
    StoredQuery,
)
from ml.types import Box
from worker_api import queries
from workers import catalogue_hashes, copies, model_pool
from workers.pictures import UprightPicture, decode_picture
from workers.regions import PictureRegion, SegmentedPicture, segment


def extract_query(request: ExtractQueryRequest) -> ExtractedQuery:
    """Segment a query, and extract the embeddings of all of its regions, or of one box alone.

    Raises:
        FileMissing: the query expired.
        UserInputError: the picture is damaged or too large; "search:user:bad-box".
        MlError: a model failed.
    """
    started = time.perf_counter()
    loaded = model_pool.get()
    segmented = _segmented(request.query, loaded)
    if request.box is None:
        images = [region.picture.image for region in segmented.regions]
    else:
        images = [_crop(request.query, Box(*request.box)).image]
    return ExtractedQuery(
        encoder_version=loaded.version.id,
        layout=segmented.layout,
        regions=tuple(_query_region(region) for region in segmented.regions),
        box=request.box,
        embeddings=loaded.encoder.encode(images),
        model_ms=_ms_since(started),
    )


def find_copies(request: FindCopiesRequest) -> FoundCopies:
    """Prove copies of each region of a query that is asked for.

    Raises:
        FileMissing: the query expired.
        UserInputError: the picture is damaged or too large; "search:user:bad-box".
        TransientError: the storage is away; "search:transient:no-answer": the time is over.
    """
    started, ends_at = time.perf_counter(), time.monotonic() + request.timeout_s
    catalogue_hashes.get().refresh()
    found = tuple(
        tuple(
            copies.find_copies(
                _crop(request.query, Box(*region.box)),
                region.region_ids,
                max_near_identical=request.max_near_identical,
                ends_at=ends_at,
            )
        )
        for region in request.regions
    )
    return FoundCopies(found, _ms_since(started))


def _crop(query: StoredQuery, box: Box) -> UprightPicture:
    """Return what lies in a box of a query.

    Raises:
        UserInputError: "search:user:bad-box": it does not lie in the picture.
    """
    if not (0 <= box.x0 < box.x1 <= query.width and 0 <= box.y0 < box.y1 <= query.height):
        raise UserInputError("search:user:bad-box")
    return _picture(query).crop(box)


# The tasks of one search come one after another: only the last picture is kept.
@lru_cache(maxsize=1)
def _picture(query: StoredQuery) -> UprightPicture:
    return decode_picture(queries.read_query(query.id), width=query.width, height=query.height)


@lru_cache(maxsize=1)
def _segmented(query: StoredQuery, loaded: model_pool.Loaded) -> SegmentedPicture:
    [segmented] = segment([_picture(query)], loaded.detector)
    return segmented


def _query_region(region: PictureRegion) -> QueryRegion:
    return QueryRegion(
        kind=region.key.kind,
        ordinal=region.key.ordinal,
        box=astuple(region.box),
        label=region.label,
        confidence=region.confidence,
    )


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
