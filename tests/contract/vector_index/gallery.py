"""A seeded gallery of points and the naive search that every index is compared with."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from vectors.index import Payload, Point, Where

DIM = 48
CLUSTERS = 12

KINDS = ("whole", "panel", "object")
LABELS = ("cat", "dog", "traffic light")
MEDIUMS = ("photo", "drawing", "unknown")
TAGS = ("red", "green", "blue")
ALBUMS = ("holiday", "work")
OWNERS = ("", "Ann", "ann", "Bob Блок")
LICENCES = ("", "CC BY 4.0", "CC0")
FOLDERS = ("2019", "2019/May", "2019/May/a_b%")
SIDES = (None, 1, 640, 641, 8_000)
FIRST_DAY = datetime(2024, 5, 17, 8, 30, tzinfo=UTC)


def unit(matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """(N, D) rows of length 1."""
    return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)


def clustered(rng: np.random.Generator, count: int, dim: int = DIM) -> NDArray[np.float32]:
    """(count, dim) unit rows around a few centres, as pictures of a few subjects are."""
    centres = rng.normal(size=(CLUSTERS, dim))
    noise = rng.normal(size=(count, dim))
    return unit(centres[rng.integers(CLUSTERS, size=count)] + 0.6 * noise)


def uuid_from(rng: np.random.Generator) -> UUID:
    return UUID(bytes=rng.bytes(16), version=4)


def payload(rng: np.random.Generator, image_id: UUID | None = None, *, day: int = 0) -> Payload:
    return Payload(
        image_id=uuid_from(rng) if image_id is None else image_id,
        kind=KINDS[rng.integers(len(KINDS))],
        labels=tuple(label for label in LABELS if rng.random() < 0.3),
        medium=MEDIUMS[rng.integers(len(MEDIUMS))],
        tags=tuple(tag for tag in TAGS if rng.random() < 0.4),
        albums=tuple(album for album in ALBUMS if rng.random() < 0.5),
        created_at=FIRST_DAY + timedelta(days=day),
        owner=OWNERS[rng.integers(len(OWNERS))],
        licence=LICENCES[rng.integers(len(LICENCES))],
        folders=FOLDERS[: rng.integers(len(FOLDERS) + 1)],
        side=SIDES[rng.integers(len(SIDES))],
        is_unsure=bool(rng.random() < 0.3),
    )


def gallery(rng: np.random.Generator, count: int, dim: int = DIM) -> list[Point]:
    """``count`` points in no order of ids, three regions an image."""
    image_ids = [uuid_from(rng) for _ in range(-(-count // 3))]
    return [
        Point(uuid_from(rng), embedding, payload(rng, image_ids[row // 3], day=row // 3))
        for row, embedding in enumerate(clustered(rng, count, dim))
    ]


def is_met(point: Point, where: Where) -> bool:
    """Whether a point meets the conditions, field by field as the contract words them."""
    it = point.payload
    checks = [
        not where.kinds or it.kind in where.kinds,
        not where.labels or any(label in where.labels for label in it.labels),
        not where.mediums or it.medium in where.mediums,
        not where.tags or any(tag in where.tags for tag in it.tags),
        not where.albums or any(album in where.albums for album in it.albums),
        not where.point_ids or point.id in where.point_ids,
        it.image_id not in where.not_image_ids,
        not any(album in where.not_albums for album in it.albums),
        it.medium not in where.not_mediums,
        not where.owners or it.owner in where.owners,
        not where.licences or it.licence in where.licences,
        not where.folders or any(folder in where.folders for folder in it.folders),
        where.added_from is None or it.created_at >= where.added_from,
        where.added_before is None or it.created_at < where.added_before,
        where.min_side is None or (it.side is not None and it.side >= where.min_side),
        where.max_side is None or (it.side is not None and it.side <= where.max_side),
        where.with_unsure or not it.is_unsure,
    ]
    return all(checks)


def naive_search(
    points: Iterable[Point], query: NDArray[np.float32], k: int, where: Where | None = None
) -> list[tuple[UUID, float, Payload]]:
    """The k best points by cosine in float64, ties by id: one loop, no index."""
    scored = []
    for point in points:
        if where is None or is_met(point, where):
            a, b = point.embedding.astype(np.float64), query.astype(np.float64)
            cosine = float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
            scored.append((-round(cosine, 6), point.id, point.payload))
    return [(one, -score, found) for score, one, found in sorted(scored, key=lambda s: s[:2])[:k]]


def ids(points: Sequence[Point]) -> list[UUID]:
    return [point.id for point in points]
