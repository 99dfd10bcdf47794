"""`manage.py bench index`: the vector store beside an exact search in this process."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from vectors.faiss import FaissIndex
from vectors.index import CollectionSpec, Payload, Point, VectorIndex

_K = 20
_CLUSTERS = 200
_QUERIES = 100
_SPREAD = 0.5


@dataclass(frozen=True, slots=True)
class IndexFigures:
    """One implementation: search times in milliseconds, its share of the exact top 20, upserts."""

    name: str
    p50_ms: float
    p95_ms: float
    recall_at_20: float
    upserts_per_s: float


def measure(store: VectorIndex, *, count: int, seed: int) -> list[IndexFigures]:
    """Fill `store` and a flat faiss index with the same clustered embeddings and search both.

    Args:
        store: an empty index; it is filled with `count` points.
        count: how many points.
        seed: makes the embeddings repeatable.
    """
    rng = np.random.default_rng(seed)
    dim = store.spec.dim
    centres = rng.standard_normal((_CLUSTERS, dim))
    points = _points(_near(centres, rng, count), rng)
    queries = _near(centres, rng, _QUERIES)
    exact_index = FaissIndex(CollectionSpec(name="exact", dim=dim))
    exact_index.ensure()
    exact, truth = _measure_one("faiss flat, this process", exact_index, points, queries, None)
    figures, _ = _measure_one("vector store", store, points, queries, truth)
    return [exact, figures]


def _near(
    centres: NDArray[np.float64], rng: np.random.Generator, count: int
) -> NDArray[np.float32]:
    """Return (count, D) float32 unit rows around the centres."""
    chosen = centres[rng.integers(len(centres), size=count)]
    rows = chosen + _SPREAD * rng.standard_normal(chosen.shape)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


def _points(rows: NDArray[np.float32], rng: np.random.Generator) -> list[Point]:
    now = datetime.now(UTC)
    ids = [UUID(bytes=rng.bytes(16), version=4) for _ in rows]
    return [
        Point(
            id=point_id,
            embedding=row,
            payload=Payload(
                image_id=point_id,
                kind="whole",
                labels=(),
                medium="unknown",
                tags=(),
                albums=(),
                created_at=now,
            ),
        )
        for point_id, row in zip(ids, rows, strict=True)
    ]


def _measure_one(
    name: str,
    index: VectorIndex,
    points: Sequence[Point],
    queries: NDArray[np.float32],
    truth: list[set[UUID]] | None,
) -> tuple[IndexFigures, list[set[UUID]]]:
    started = time.perf_counter()
    index.upsert(points)
    upsert_s = time.perf_counter() - started
    found: list[set[UUID]] = []
    times_ms = []
    for query in queries:
        started = time.perf_counter()
        (hits,) = index.search(query[np.newaxis], k=_K)
        times_ms.append(1000 * (time.perf_counter() - started))
        found.append({hit.point_id for hit in hits})
    expected = found if truth is None else truth
    shared = [len(got & want) / len(want) for got, want in zip(found, expected, strict=True)]
    figures = IndexFigures(
        name=name,
        p50_ms=float(np.percentile(times_ms, 50)),
        p95_ms=float(np.percentile(times_ms, 95)),
        recall_at_20=float(np.mean(shared)),
        upserts_per_s=len(points) / upsert_s,
    )
    return figures, found
