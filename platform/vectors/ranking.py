"""Checks before and order after a search: the same for every implementation of the index."""

from collections.abc import Iterable, Sequence
from typing import TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vectors.errors import DimensionMismatch, InvalidEmbedding, InvalidSearch
from vectors.index import Point

_IdT = TypeVar("_IdT", UUID, str)
_ItemT = TypeVar("_ItemT")

# Decimals of a score. Stores sum float32 products in different orders and disagree from about the
# seventh decimal on; rounded, equal embeddings tie and every store gives the same order.
SCORE_DECIMALS = 6

# Smallest length of an embedding, promised to be 1. Qdrant leaves vectors shorter than about
# 3.5e-4 as they are (squared length below float32 epsilon), and their scores are no cosines.
MIN_NORM = 1e-3

# Extra hits asked for, so that ties across the k-th rank are still decided by id. More than this
# many points tied there with exactly the same score may come in any order.
TIE_MARGIN = 16


def checked_queries(queries: ArrayLike, *, dim: int, k: int) -> NDArray[np.float32]:
    """Return ``queries`` as (Q, D) float32, after the checks that ``search`` promises.

    Raises:
        InvalidSearch, DimensionMismatch, InvalidEmbedding: see ``VectorIndex.search``.
    """
    if k < 1:
        raise InvalidSearch(k=k)
    matrix = np.asarray(queries, dtype=np.float32)
    if matrix.ndim != 2 or matrix.shape[1] != dim:  # noqa: PLR2004 - rows and columns
        raise DimensionMismatch(expected=f"(Q, {dim})", got=matrix.shape)
    bad_row = first_invalid_row(matrix)
    if bad_row is not None:
        raise InvalidEmbedding(query=bad_row)
    return matrix


def checked_embeddings(points: Sequence[Point], *, dim: int) -> NDArray[np.float32]:
    """Return the embeddings of ``points`` as a new (N, D) float32 matrix, N at least 1.

    Raises:
        DimensionMismatch, InvalidEmbedding: see ``VectorIndex.upsert``.
    """
    for point in points:
        if np.shape(point.embedding) != (dim,):
            raise DimensionMismatch(
                point_id=str(point.id), expected=f"({dim},)", got=np.shape(point.embedding)
            )
    matrix = np.array([point.embedding for point in points], dtype=np.float32)
    bad_row = first_invalid_row(matrix)
    if bad_row is not None:
        raise InvalidEmbedding(point_id=str(points[bad_row].id))
    return matrix


def first_invalid_row(matrix: NDArray[np.float32]) -> int | None:
    """Return the first row of (N, D) that is not finite or is (almost) zero, or None."""
    norms = np.linalg.norm(matrix.astype(np.float64), axis=1)
    # Written so that NaN, which compares false with everything, counts as bad.
    bad_rows = np.flatnonzero(~((norms >= MIN_NORM) & np.isfinite(norms)))
    return int(bad_rows[0]) if bad_rows.size else None


def best_first(
    found: Iterable[tuple[float, _IdT, _ItemT]], *, k: int
) -> list[tuple[float, _IdT, _ItemT]]:
    """Return the k best of (score, point id, anything): score descending, ties by id ascending.

    Scores come back rounded to ``SCORE_DECIMALS``.
    """
    rounded = ((round(score, SCORE_DECIMALS), point_id, item) for score, point_id, item in found)
    return sorted(rounded, key=lambda one: (-one[0], one[1]))[:k]
