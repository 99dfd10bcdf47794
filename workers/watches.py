"""New images are compared with what is watched, and what is watched with the catalogue (ADR 41).

One search an image, however many watches there are: what is in albums is found by the index, in one
request with the names of all watched albums; the pictures of saved searches are compared in memory.
"""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from kernel.errors import AppError, TransientError
from kernel.regions import FULL_IMAGE_KEY
from kernel.task_messages import Copy
from metrics.definitions import Work, stage
from ml.copies import comparison
from ml.copies.comparison import QueryCopyFeatures
from ml.images.plain import is_plain
from ml.rules.regions import FULL_IMAGE, PANEL
from ml.types import Box
from vectors.index import Where
from worker_api import images as catalog
from worker_api import watches
from worker_api.jobs import Delivery
from worker_api.watches import (
    LoosePicture,
    Match,
    NewImage,
    PartOfNew,
    PictureToLookFor,
    WatchedPictures,
)
from workers import catalogue_hashes
from workers.copies import SoughtRegion, find_copies
from workers.model_pool import Loaded
from workers.pictures import UprightPicture, decode_picture
from workers.policies import translated

logger = logging.getLogger(__name__)

# A job ends after so long, so that others have their turn; the next sweep goes on.
_JOB_S = 60.0
# Comparing one takes a second at most; a storage that hangs must not hold up all others.
_IMAGE_S = 60.0
# Watched pictures that a new image is compared with by pixels, the most alike: of albums for each
# of its parts, and of saved searches. Of what is there, regions that a watched picture is compared
# with, and of nearly the same hash.
_MAX_COMPARED, _MAX_NEAR_IDENTICAL = 20, 48
# Points asked for: several may belong to one image.
_POINTS_AN_IMAGE = 2
# A picture of a saved search is compared by its pixels from this cosine on.
_MIN_COSINE = 0.1
# A watched picture as what is sought; its box is its own affair.
_ALL = PartOfNew(0, FULL_IMAGE_KEY, (0, 0, 0, 0))
# Watched pictures that stay decoded, 25 MB each at most; and their features, 0.5 MB each.
_KEPT_PICTURES, _KEPT_FEATURES = 4, 64
# Embeddings of them, 2 kB each.
_KEPT_EMBEDDINGS = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class _WatchedEmbedding:
    """A watched picture as all new ones are compared with it; that decodes nothing again.

    Attributes:
        embedding: (D,) float32, of length 1.
        is_plain: whether its likeness says nothing.
    """

    embedding: NDArray[np.float32]
    is_plain: bool


def check_watches(loaded: Loaded, *, delivery: Delivery) -> None:
    """Compare what waits for it: new images, watched pictures. Doing it twice changes nothing.

    Raises:
        JobTakenOver: this worker was silent for too long; the rest is its successor's.
        TransientError: a part is away; what is left goes on waiting.
    """
    ends_at = time.monotonic() + _JOB_S
    while time.monotonic() < ends_at:
        images = watches.claim_arrivals(delivery=delivery)
        if images:
            _check_arrivals(images, watches.read_scope(), loaded, delivery=delivery)
        # In turns: while a large import arrives, what was there is looked through all the same.
        looks = watches.claim_looks(delivery=delivery)
        if looks:
            _look_for_all(looks, loaded, delivery=delivery)
        if not images and not looks:
            break


def _check_arrivals(
    images: Sequence[NewImage], scope: WatchedPictures, loaded: Loaded, *, delivery: Delivery
) -> None:
    for number, image in enumerate(images):
        try:
            with translated():
                matches = _matches_of_new(image, scope, loaded)
        except TransientError:
            watches.give_back_arrivals([each.id for each in images[number:]])
            raise
        except AppError as error:
            extra = {"image_id": str(image.id), "code": error.code}
            logger.warning("image cannot be compared with what is watched", extra=extra)
            matches = []
        watches.record_arrival(image.id, matches, delivery=delivery)


def _look_for_all(looks: Sequence[PictureToLookFor], loaded: Loaded, *, delivery: Delivery) -> None:
    for number, look in enumerate(looks):
        try:
            with translated():
                matches = _matches_there(look, loaded)
        except TransientError:
            watches.give_back_looks([each.look_id for each in looks[number:]])
            raise
        except AppError as error:
            extra = {"look_id": look.look_id, "code": error.code}
            logger.warning("watched picture cannot be compared", extra=extra)
            matches = []
        watches.record_look(look.look_id, matches, delivery=delivery)


def _matches_of_new(image: NewImage, scope: WatchedPictures, loaded: Loaded) -> list[Match]:
    """Return which watched pictures a new image, or a panel of it, is like.

    Raises:
        AppError: it cannot be read.
        MlError: the encoder failed.
    """
    data = catalog.read_original(image.sha256)
    picture = decode_picture(data, width=image.width, height=image.height)
    crops = [picture.crop(Box(*part.box)) for part in image.parts]
    if not crops:
        return []
    embeddings = loaded.encoder.encode([crop.image for crop in crops])
    found = []
    if scope.albums:
        found += _in_albums(image, crops, embeddings, scope.albums, loaded)
    if scope.loose:
        found += _among_loose(image, crops, embeddings, scope.loose, loaded)
    return found


def _in_albums(
    image: NewImage,
    crops: Sequence[UprightPicture],
    embeddings: NDArray[np.float32],
    albums: tuple[str, ...],
    loaded: Loaded,
) -> list[Match]:
    """Return the watched images of albums that a new image is like."""
    where = Where(kinds=(FULL_IMAGE,), albums=albums, not_image_ids=(image.id,))
    hits = loaded.index.search(embeddings, k=_MAX_COMPARED, where=where)
    # Points say what was in the albums a moment ago; rows say what is.
    near = list({hit.image_id for each in hits for hit in each})
    watched = watches.list_watched_regions(near, albums)
    scores: dict[UUID, float] = {}
    for each, crop in zip(hits, crops, strict=True):
        for hit in () if is_plain(crop.image) else each:
            scores[hit.image_id] = max(hit.score, scores.get(hit.image_id, -1.0))
    catalogue_hashes.get().refresh()
    sought = [
        SoughtRegion(
            lambda crop=crop: _extracted(crop),  # type: ignore[misc]
            [watched[hit.image_id] for hit in each if hit.image_id in watched],
        )
        for crop, each in zip(crops, hits, strict=True)
    ]
    proved = _proved(sought, image.parts)
    more = [region.image_id for region, _ in proved.values() if region.image_id not in watched]
    watched |= watches.list_watched_regions(more, albums)
    rungs: dict[UUID, str] = {}
    for (_, rung), image_id in ((each, each[0].image_id) for each in proved.values()):
        rungs[image_id] = _better(rung, rungs.get(image_id, ""))
    return [
        Match(image.id, image_id, (), rungs.get(image_id, ""), scores.get(image_id))
        for image_id in watched
        if image_id != image.id
    ]


def _among_loose(
    image: NewImage,
    crops: Sequence[UprightPicture],
    embeddings: NDArray[np.float32],
    loose: Sequence[LoosePicture],
    loaded: Loaded,
) -> list[Match]:
    """Return the pictures of saved searches that a new image is like."""
    known = [(each, _embedded(each, loaded)) for each in loose if each.image_id != image.id]
    readable = [(each, embedded) for each, embedded in known if embedded is not None]
    if not readable:
        return []
    scores = np.stack([embedded.embedding for _, embedded in readable]) @ embeddings.T
    are_plain = np.array([is_plain(crop.image) for crop in crops])
    nearest = np.argsort(-scores.max(axis=1), kind="stable")[:_MAX_COMPARED]
    matches = []
    for number in nearest.tolist():
        (each, embedded), row = readable[number], scores[number]
        rung = _rung_of_new(image, each, row)
        told = row[~are_plain]
        is_telling = len(told) and not embedded.is_plain
        score = float(told.max()) if is_telling else None
        matches.append(Match(image.id, None, each.saved_picture_ids, rung, score))
    return matches


def _rung_of_new(image: NewImage, picture: LoosePicture, row: NDArray[np.float32]) -> str:
    """Return what pixels prove a new image to be of a watched picture; "" where nothing.

    Args:
        image: the image.
        picture: the picture.
        row: their cosine, part by part of the image.
    """
    parts = zip(image.parts, row, strict=True)
    near = [part.region_id for part, cosine in parts if cosine >= _MIN_COSINE]
    if not near:
        return ""
    proved = _proved([SoughtRegion(lambda: _features(picture), near)], (_ALL,), hashes=1)
    rung = ""
    for region, found in proved.values():
        rung = _better(found, rung) if region.image_id == image.id else rung
    return rung


def _matches_there(look: PictureToLookFor, loaded: Loaded) -> list[Match]:
    """Return which images of the catalogue a watched picture is like.

    Raises:
        AppError: it cannot be read.
        MlError: the encoder failed.
    """
    picture = look.picture
    watched = _embedded(picture, loaded)
    if watched is None:
        return []
    own = () if picture.image_id is None else (picture.image_id,)
    where = Where(kinds=(FULL_IMAGE, PANEL), not_image_ids=own)
    [hits] = loaded.index.search(
        watched.embedding[None], k=_MAX_COMPARED * _POINTS_AN_IMAGE, where=where
    )
    points = watches.find_points(
        list({hit.image_id for hit in hits}), encoder_version=loaded.version.id
    )
    catalogue_hashes.get().refresh()
    ids = [points[hit.point_id] for hit in hits if hit.point_id in points][:_MAX_COMPARED]
    proved = _proved([SoughtRegion(lambda: _features(picture), ids)], (_ALL,))
    rungs: dict[UUID, str] = {}
    for region, rung in proved.values():
        rungs[region.image_id] = _better(rung, rungs.get(region.image_id, ""))
    scores: dict[UUID, float] = {}
    for hit in () if watched.is_plain else hits:
        scores[hit.image_id] = max(hit.score, scores.get(hit.image_id, -1.0))
    in_album = picture.image_id if look.is_in_album else None
    return [
        Match(each, in_album, picture.saved_picture_ids, rungs.get(each, ""), scores.get(each))
        for each in dict.fromkeys([*rungs, *scores])
        if each != picture.image_id
    ]


def _proved(
    sought: Sequence[SoughtRegion],
    parts: Sequence[PartOfNew],
    *,
    hashes: int = _MAX_NEAR_IDENTICAL,
) -> dict[int, tuple[catalog.CatalogueRegion, str]]:
    """Return catalogue region → it, and the best rung that any of the sought parts proves.

    What is in a panel, or holds the picture in one, is not itself the same picture.
    """
    with stage(Work.INDEXING, "verify"):
        found = find_copies(sought, max_near_identical=hashes, ends_at=time.monotonic() + _IMAGE_S)
    copies = [
        (part.key, copy) for part, each in zip(parts, found, strict=True) for copy in each.copies
    ]
    regions = catalog.find_regions([copy.region_id for _, copy in copies])
    proved: dict[int, tuple[catalog.CatalogueRegion, str]] = {}
    for key, copy in copies:
        region = regions.get(copy.region_id)
        if region is None:
            continue
        is_all = key == FULL_IMAGE_KEY == region.key
        known = proved.get(copy.region_id, (region, ""))[1]
        proved[copy.region_id] = region, _better(_rung(copy, is_all=is_all), known)
    return proved


def _rung(copy: Copy, *, is_all: bool) -> str:
    if copy.is_shared_design:
        return watches.SHARED_DESIGN
    return watches.NEAR_IDENTICAL if copy.is_near_identical and is_all else watches.EDITED_COPY


def _better(one: str, other: str) -> str:
    """Return which of two rungs is higher; "" is none."""
    ladder = (watches.NEAR_IDENTICAL, watches.EDITED_COPY, watches.SHARED_DESIGN, "")
    return min(one, other, key=ladder.index)


def _extracted(picture: UprightPicture) -> "Future[QueryCopyFeatures]":
    extracted: Future[QueryCopyFeatures] = Future()
    extracted.set_result(comparison.extract_query(picture.pixels))
    return extracted


def _embedded(picture: LoosePicture, loaded: Loaded) -> _WatchedEmbedding | None:
    """Return the embedding of a watched picture; None where it cannot be read.

    Raises:
        TransientError: the storage is away.
        MlError: the encoder failed.
    """
    key = (*_key(picture), loaded.version.id)
    if key not in _embeddings:
        while len(_embeddings) >= _KEPT_EMBEDDINGS:
            _embeddings.pop(next(iter(_embeddings)))
        try:
            crop = _watched(picture)
        except TransientError:
            raise
        except AppError as error:  # it was deleted, or its file is lost: the audit tells
            logger.warning("watched picture cannot be read", extra={"code": error.code})
            return None
        embedding = loaded.encoder.encode([crop.image])[0]
        _embeddings[key] = _WatchedEmbedding(embedding, is_plain(crop.image))
    return _embeddings[key]


_embeddings: dict[tuple[object, ...], _WatchedEmbedding] = {}


def _key(picture: LoosePicture) -> tuple[object, ...]:
    return picture.query_id, picture.sha256, picture.box


def _watched(picture: LoosePicture) -> UprightPicture:
    """Return a watched picture, decoded.

    Raises:
        AppError: it cannot be read.
    """
    return _decoded(picture.query_id, picture.sha256, picture.box)


def _features(picture: LoosePicture) -> "Future[QueryCopyFeatures]":
    return _extracted_once(picture.query_id, picture.sha256, picture.box)


@lru_cache(maxsize=_KEPT_PICTURES)
def _decoded(
    query_id: UUID | None, sha256: str, box: tuple[int, int, int, int] | None
) -> UprightPicture:
    original = catalog.read_original(sha256) if query_id is None else None
    file = watches.read_watched(query_id, original)
    picture = decode_picture(file.data, width=file.width, height=file.height)
    return picture if box is None else picture.crop(Box(*box))


@lru_cache(maxsize=_KEPT_FEATURES)
def _extracted_once(
    query_id: UUID | None, sha256: str, box: tuple[int, int, int, int] | None
) -> "Future[QueryCopyFeatures]":
    return _extracted(_decoded(query_id, sha256, box))
