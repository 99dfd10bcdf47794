"""What a person waits for: a query taken apart and embedded, and the copies of its parts."""

from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from kernel.errors import UserInputError
from ml.types import Box
from worker_api import queries
from workers import model_pool
from workers.pictures import UprightPicture, decode_picture
from workers.regions import TakenApart, take_apart


@dataclass(frozen=True, slots=True)
class Query:
    """A query picture that the web has stored; width and height are those of it upright."""

    id: UUID
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class DescribedQuery:
    """A query, its parts, and what of it is searched.

    Attributes:
        encoder_version: which encoder embedded it.
        parts: all that was found in it.
        embeddings: (R, D) float32, unit rows: of all regions, or of the box that was asked for.
    """

    encoder_version: int
    parts: TakenApart
    embeddings: NDArray[np.float32]


def describe(query: Query, *, box: Box | None) -> DescribedQuery:
    """Take a query apart, and embed all of its regions, or one box alone.

    Args:
        query: the picture.
        box: in pixels of the upright picture; None for all regions.

    Raises:
        UserInputError: the picture is damaged or too large; "search:user:bad-box".
        MlError: a model failed.
    """
    loaded = model_pool.get()
    parts = _taken_apart(query, loaded)
    if box is None:
        images = [region.picture.image for region in parts.regions]
    else:
        images = [crop(query, box).image]
    return DescribedQuery(loaded.version.id, parts, loaded.encoder.encode(images))


def crop(query: Query, box: Box) -> UprightPicture:
    """Return a part of a query.

    Raises:
        UserInputError: "search:user:bad-box": it does not lie in the picture.
    """
    if not (0 <= box.x0 < box.x1 <= query.width and 0 <= box.y0 < box.y1 <= query.height):
        raise UserInputError("search:user:bad-box")
    return _picture(query).crop(box)


# The tasks of one search come one after another: only the last picture is kept.
@lru_cache(maxsize=1)
def _picture(query: Query) -> UprightPicture:
    return decode_picture(queries.read_query(query.id), width=query.width, height=query.height)


@lru_cache(maxsize=1)
def _taken_apart(query: Query, loaded: model_pool.Loaded) -> TakenApart:
    [parts] = take_apart([_picture(query)], loaded.detector)
    return parts
