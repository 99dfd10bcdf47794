"""The index in process, with faiss: exact, in memory only. For benchmarks and as a second opinion.

This file shares its name with the library; absolute imports keep the two apart.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from uuid import UUID

import faiss
import numpy as np
from numpy.typing import NDArray

from vectors.errors import UnknownCollection
from vectors.index import CollectionSpec, EditablePayload, Hit, Payload, Point, PointFacts, Where
from vectors.ranking import (
    TIE_MARGIN,
    best_first,
    checked_embeddings,
    checked_queries,
)
from vectors.schema import payload_to_dict, where_to_filter


class FaissIndex:
    """One collection in this process's memory, as a ``VectorIndex``.

    It is gone with the process and belongs to one thread. The flat faiss index is built at the
    first search after a write, which costs one pass over all points.
    """

    def __init__(self, spec: CollectionSpec) -> None:
        self.spec = spec
        self._stored: dict[UUID, tuple[NDArray[np.float32], Payload]] | None = None
        self._flat: faiss.IndexFlatIP | None = None
        self._ids: list[UUID] = []  # of the rows of _flat, ascending
        self._has_binned = False

    def ensure(self) -> None:
        """Make the collection exist; what it holds stays."""
        if self._stored is None:
            self._stored = {}

    def upsert(self, points: Sequence[Point]) -> None:
        """Write or replace points."""
        stored = self._points()
        if not points:
            return
        embeddings = _unit(checked_embeddings(points, dim=self.spec.dim))
        for point in points:
            payload_to_dict(point.payload)  # refuses what other stores cannot keep
        for point, embedding in zip(points, embeddings, strict=True):
            stored[point.id] = (embedding, point.payload)
        self._flat = None

    def delete(self, ids: Sequence[UUID]) -> None:
        """Remove points by id."""
        stored = self._points()
        for one in ids:
            stored.pop(one, None)
        self._flat = None

    def set_payload(self, image_ids: Sequence[UUID], payload: EditablePayload) -> None:
        """Write what people change into every point of these images, in one scan."""
        stored, wanted = self._points(), set(image_ids)
        for one, (embedding, old) in stored.items():
            if old.image_id in wanted:
                stored[one] = (embedding, replace(old, **asdict(payload)))
        self._flat = None

    def set_facts(self, ids: Sequence[UUID], facts: PointFacts) -> None:
        """Write what points of earlier releases lack."""
        stored = self._points()
        for one in stored.keys() & set(ids):
            embedding, old = stored[one]
            stored[one] = (embedding, replace(old, **asdict(facts)))

    def search(
        self,
        queries: NDArray[np.float32],
        *,
        k: int,
        where: Where | None = None,
        timeout_s: float | None = None,
    ) -> list[list[Hit]]:
        """Return the nearest points of each query (see ``VectorIndex``), found by a full scan."""
        stored = self._points()
        matrix = checked_queries(queries, dim=self.spec.dim, k=k)
        flat = self._built()
        eligible, only = len(self._ids), None
        where = Where() if where is None else where
        where_to_filter(where)  # refuses what other stores cannot understand
        if where != Where() or self._has_binned:
            among = set(where.point_ids)
            rows = [
                row
                for row, one in enumerate(self._ids)
                if _meets(stored[one][1], where) and (not among or one in among)
            ]
            eligible, only = len(rows), faiss.SearchParameters()
            only.sel = faiss.IDSelectorArray(np.asarray(rows, dtype=np.int64))
        if not eligible or not len(matrix):
            return [[] for _ in matrix]
        scores, found = flat.search(_unit(matrix), min(k + TIE_MARGIN, eligible), params=only)
        return [
            self._hits(row_numbers, row_scores, k=k)
            for row_numbers, row_scores in zip(found.tolist(), scores.tolist(), strict=True)
        ]

    def embeddings(self, ids: Sequence[UUID]) -> dict[UUID, NDArray[np.float32]]:
        """Return the embeddings of points (see ``VectorIndex``)."""
        stored = self._points()
        return {one: stored[one][0].copy() for one in ids if one in stored}

    def count(self) -> int:
        """Return the exact number of points."""
        return len(self._points())

    def scroll(self) -> Iterator[tuple[UUID, UUID]]:
        """Yield (point id, image id) of every point, id ascending."""
        stored = self._points()
        for one in sorted(stored):
            yield one, stored[one][1].image_id

    def scroll_payloads(self) -> Iterator[tuple[UUID, EditablePayload]]:
        """Yield (image id, what it carries) of every point, in the same order."""
        stored = self._points()
        for one in sorted(stored):
            payload = stored[one][1]
            yield payload.image_id, payload.editable

    def _points(self) -> dict[UUID, tuple[NDArray[np.float32], Payload]]:
        if self._stored is None:
            raise UnknownCollection(collection=self.spec.name)
        return self._stored

    def _built(self) -> faiss.IndexFlatIP:
        if self._flat is None:
            stored = self._points()
            self._ids = sorted(stored)
            self._has_binned = any(payload.is_binned for _, payload in stored.values())
            self._flat = faiss.IndexFlatIP(self.spec.dim)
            if self._ids:
                self._flat.add(np.stack([stored[one][0] for one in self._ids]))
        return self._flat

    def _hits(self, rows: list[int], scores: list[float], *, k: int) -> list[Hit]:
        stored = self._points()
        ids = [self._ids[row] for row in rows]
        scored = [(score, one, stored[one][1]) for score, one in zip(scores, ids, strict=True)]
        return [
            Hit(one, score, payload.image_id, payload.kind)
            for score, one, payload in best_first(scored, k=k)
        ]


def _unit(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (N, D) with rows of length 1, so that the inner product is the cosine."""
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.ascontiguousarray(matrix / lengths, dtype=np.float32)


def _meets(payload: Payload, where: Where) -> bool:
    wanted: list[tuple[tuple[object, ...], set[object]]] = [
        (where.kinds, {payload.kind}),
        (where.labels, set(payload.labels)),
        (where.mediums, {payload.medium}),
        (where.tags, set(payload.tags)),
        (where.albums, set(payload.albums)),
        (where.owners, {payload.owner}),
        (where.licences, {payload.licence}),
        (where.folders, set(payload.folders)),
    ]
    is_left_out = (
        (payload.is_binned and not where.with_binned)
        or (payload.is_unsure and not where.with_unsure)
        or payload.image_id in where.not_image_ids
        or payload.medium in where.not_mediums
        or not set(payload.albums).isdisjoint(where.not_albums)
    )
    if is_left_out or not _is_in_ranges(payload, where):
        return False
    return all(not values or not present.isdisjoint(values) for values, present in wanted)


def _is_in_ranges(payload: Payload, where: Where) -> bool:
    if where.added_from is not None and payload.created_at < where.added_from:
        return False
    if where.added_before is not None and payload.created_at >= where.added_before:
        return False
    if where.min_side is None and where.max_side is None:
        return True
    side = payload.side
    if side is None:
        return False
    return (where.min_side or 0) <= side and (where.max_side is None or side <= where.max_side)
