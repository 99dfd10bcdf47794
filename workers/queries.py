"""What a person waits for: a query's regions and their embeddings, and the copies of them."""

import time
from dataclasses import astuple
from functools import cache, lru_cache, partial

import numpy as np
from PIL import Image

from kernel.errors import UserInputError
from kernel.task_messages import (
    EmbeddedWords,
    EmbedWordsRequest,
    ExtractedQuery,
    ExtractQueryRequest,
    FindCopiesRequest,
    FoundCopies,
    QueryRegion,
    RegionHash,
    StoredQuery,
)
from metrics.definitions import Work, stage
from ml.copies import comparison
from ml.copies.comparison import QueryCopyFeatures
from ml.copies.pdq import PdqHash
from ml.images.plain import is_plain
from ml.rules import query_expansion
from ml.rules.layout import Layout
from ml.rules.media import Medium
from ml.rules.regions import PANEL
from ml.types import Box
from worker_api import queries
from workers import catalogue_hashes, copies, model_pool
from workers.copies import SoughtRegion
from workers.features_ahead import FeaturesAhead
from workers.pictures import UprightPicture, decode_picture, with_panels
from workers.regions import PictureRegion, SegmentedPicture, segment

# Whose pictures are kept, 25 MB each at most.
_SEARCHES = 4


def extract_query(request: ExtractQueryRequest) -> ExtractedQuery:
    """Segment a query, and extract the embeddings of all of its regions, or of one box alone.

    Raises:
        FileMissing: the query expired.
        UserInputError: the picture is damaged or too large; "search:user:bad-box".
        MlError: a model failed.
    """
    started = time.perf_counter()
    if request.is_compared:  # beside the models, which leave a core idle at times
        picture = _picture(request.query)
        full_image = Box(0, 0, picture.width, picture.height)
        _features_ahead().begin(
            request.query, full_image if request.box is None else Box(*request.box)
        )
    loaded = model_pool.get()
    regions: tuple[PictureRegion, ...] = ()
    layout, medium = Layout.SINGLE, Medium.UNKNOWN
    if request.box is None or not request.is_segmented:
        segmented = _segmented(request.query, request.panels, loaded)
        regions, layout = tuple(segmented.regions), segmented.layout
        medium = segmented.tell_medium()
    if request.box is None:
        images = [region.picture.image for region in regions]
    else:
        images = [crop_query(request.query, Box(*request.box)).image]
    with stage(Work.QUERY, "embed"):
        *embeddings, middle = loaded.encoder.encode([*images, _middle(images[0])])
    if request.is_compared and request.box is None:  # while the index is asked
        panels = [region.box for region in regions if region.key.kind == PANEL]
        _features_ahead().begin_in_turn(request.query, panels)
    return ExtractedQuery(
        encoder_version=loaded.version.id,
        layout=layout,
        regions=tuple(_query_region(region) for region in regions),
        box=request.box,
        embeddings=np.stack(embeddings),
        are_plain=tuple(is_plain(image) for image in images),
        model_ms=_ms_since(started),
        medium=medium,
        middle=middle,
    )


def _middle(image: Image.Image) -> Image.Image:
    return image.crop(query_expansion.middle_of(image.width, image.height))


def find_copies(request: FindCopiesRequest) -> FoundCopies:
    """Prove copies of each region of a query that is asked for.

    Raises:
        FileMissing: the query expired.
        UserInputError: the picture is damaged or too large; "search:user:bad-box".
        TransientError: the storage is away.
    """
    started, ends_at = time.perf_counter(), time.monotonic() + request.timeout_s
    catalogue_hashes.get().refresh()
    sought = []
    for region in request.regions:
        box = Box(*region.box)
        crop_query(
            request.query, box
        )  # one that lies outside is an error before anything is compared
        extract = partial(_features_ahead().begin, request.query, box)
        sought.append(SoughtRegion(extract, region.region_ids))
    with stage(Work.QUERY, "verify"):
        found = copies.find_copies(
            sought,
            max_near_identical=request.max_near_identical,
            ends_at=ends_at,
            hidden_albums=request.hidden_albums,
        )
    return FoundCopies(
        copies=tuple(each.copies for each in found),
        are_checked=tuple(each.is_checked for each in found),
        unchecked_ids=tuple(each.unchecked_ids for each in found),
        hashes=tuple(_region_hash(each.pdq) for each in found),
        model_ms=_ms_since(started),
    )


def _region_hash(found: PdqHash | None) -> RegionHash | None:
    return None if found is None else RegionHash(found.bits.tobytes(), found.quality)


def embed_words(request: EmbedWordsRequest) -> EmbeddedWords:
    """Embed words in the space of the catalogue's pictures.

    Raises:
        MlError: the encoder knows no words, or its text tower failed.
        DefectError: "encoder:ours:weights-changed": its words are not those of the catalogue.
    """
    started = time.perf_counter()
    loaded = model_pool.get()
    with stage(Work.QUERY, "embed"):
        [embedding] = model_pool.words().embed_texts([request.words])
    return EmbeddedWords(loaded.version.id, embedding, _ms_since(started))


@cache
def _features_ahead() -> FeaturesAhead:
    return FeaturesAhead(_features)


def _features(query: StoredQuery, box: Box) -> QueryCopyFeatures:
    pixels = crop_query(query, box).pixels
    with stage(Work.QUERY, "extract"):
        return comparison.extract_query(pixels)


def crop_query(query: StoredQuery, box: Box) -> UprightPicture:
    """Return what lies in a box of a query.

    Raises:
        UserInputError: "search:user:bad-box": it does not lie in the picture.
    """
    if not (0 <= box.x0 < box.x1 <= query.width and 0 <= box.y0 < box.y1 <= query.height):
        raise UserInputError("search:user:bad-box")
    return _picture(query).crop(box)


# The tasks of a search come one after another, and several searches are worked on at a time.
@lru_cache(maxsize=_SEARCHES)
def _picture(query: StoredQuery) -> UprightPicture:
    with stage(Work.QUERY, "decode"):
        return decode_picture(queries.read_query(query), width=query.width, height=query.height)


@lru_cache(maxsize=_SEARCHES)
def _segmented(
    query: StoredQuery,
    panels: tuple[tuple[int, int, int, int], ...] | None,
    loaded: model_pool.Loaded,
) -> SegmentedPicture:
    picture = with_panels(_picture(query), panels)
    [segmented] = segment([picture], loaded.detector, work=Work.QUERY)
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
