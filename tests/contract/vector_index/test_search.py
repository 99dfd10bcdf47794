"""Searching: what every index finds equals a naive search."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from uuid import UUID

import numpy as np
import pytest

from tests.contract.vector_index.conftest import QUIET_MEMORY_MODE, NewIndex
from tests.contract.vector_index.gallery import (
    DIM,
    FIRST_DAY,
    clustered,
    gallery,
    naive_search,
    payload,
)
from vectors.errors import DimensionMismatch, InvalidEmbedding, InvalidSearch
from vectors.index import Hit, Payload, Point, VectorIndex, Where
from vectors.ranking import TIE_MARGIN

pytestmark = QUIET_MEMORY_MODE


def assert_same(found: list[Hit], expected: list[tuple[object, float, Payload]]) -> None:
    assert [hit.point_id for hit in found] == [one for one, _, _ in expected]
    scores = [score for _, score, _ in expected]
    assert [hit.score for hit in found] == pytest.approx(scores, rel=1e-4, abs=1e-6)
    regions = [(it.image_id, it.kind) for _, _, it in expected]
    assert [(hit.image_id, hit.kind) for hit in found] == regions


@pytest.mark.parametrize("k", [1, 5, 20, 100])
def test_hits_equal_a_naive_search(
    filled: VectorIndex, points: list[Point], rng: np.random.Generator, k: int
) -> None:
    queries = clustered(rng, 8)

    found = filled.search(queries, k=k)

    assert len(found) == 8
    for hits, query in zip(found, queries, strict=True):
        assert_same(hits, naive_search(points, query, k))


def test_each_point_finds_itself_first_with_score_one(
    filled: VectorIndex, points: list[Point]
) -> None:
    queries = np.stack([point.embedding for point in points[:40]])

    found = filled.search(queries, k=1)

    assert [hits[0].point_id for hits in found] == [point.id for point in points[:40]]
    assert [hits[0].score for hits in found] == pytest.approx([1.0] * 40, rel=1e-4)


def test_scores_reach_down_to_minus_one(index: VectorIndex, rng: np.random.Generator) -> None:
    point = gallery(rng, 1)[0]
    index.upsert([point])

    [[hit]] = index.search(-point.embedding[np.newaxis], k=1)

    assert hit.score == pytest.approx(-1.0, rel=1e-4)


def test_batch_equals_single_searches(filled: VectorIndex, rng: np.random.Generator) -> None:
    queries = clustered(rng, 7)
    where = Where(kinds=("panel", "object"))

    batch = filled.search(queries, k=9, where=where)

    assert batch == [filled.search(query[np.newaxis], k=9, where=where)[0] for query in queries]


NOON = FIRST_DAY + timedelta(days=30)  # when some images were added
FILTERS = {
    "kind": Where(kinds=("panel",)),
    "either-kind": Where(kinds=("panel", "object")),
    "label": Where(labels=("cat",)),
    "label-with-space": Where(labels=("traffic light", "dog")),
    "medium": Where(mediums=("drawing",)),
    "tag": Where(tags=("red",)),
    "either-tag": Where(tags=("red", "blue")),
    "album": Where(albums=("work",)),
    "kind-and-tag": Where(kinds=("whole",), tags=("green",)),
    "all-fields": Where(
        kinds=("whole", "object"),
        labels=("cat", "dog"),
        mediums=("photo", "unknown"),
        tags=("red", "green"),
        albums=("holiday", "work"),
    ),
    "owner": Where(owners=("Ann",)),
    "either-owner": Where(owners=("Bob Блок", "ann")),
    "licence": Where(licences=("CC0", "CC BY 4.0")),
    "folder": Where(folders=("2019/May",)),
    "folders-end": Where(folders=("2019/Ma", "May", "2019/May/a_b%")),
    "added-from": Where(added_from=NOON),
    "added-before": Where(added_before=NOON),
    "moment-itself": Where(added_from=NOON, added_before=NOON + timedelta(microseconds=1)),
    "added-in-another-zone": Where(
        added_from=datetime(2024, 6, 16, 13, 45, tzinfo=timezone(timedelta(hours=5, minutes=15))),
        added_before=NOON + timedelta(days=3),
    ),
    "sides": Where(min_side=640, max_side=641),
    "min-side": Where(min_side=641),
    "max-side": Where(max_side=640),
    "no-side": Where(min_side=642, max_side=7_999),
    "sure": Where(with_unsure=False),
    "sure-objects": Where(with_unsure=False, kinds=("object",), owners=("", "Ann")),
    "unknown-value": Where(kinds=("nonsense",)),
    "no-condition": Where(),
}


@pytest.mark.parametrize("where", FILTERS.values(), ids=FILTERS)
def test_filters_equal_a_naive_search(
    filled: VectorIndex, points: list[Point], rng: np.random.Generator, where: Where
) -> None:
    query = clustered(rng, 1)

    [found] = filled.search(query, k=15, where=where)

    assert_same(found, naive_search(points, query[0], 15, where))


def test_filters_by_ids_and_by_what_is_left_out(
    filled: VectorIndex, points: list[Point], rng: np.random.Generator
) -> None:
    query = clustered(rng, 1)
    images = sorted({point.payload.image_id for point in points})
    wheres = [
        Where(not_image_ids=tuple(images[:150])),
        Where(not_image_ids=tuple(images[4:8]), kinds=("whole",)),
        Where(not_image_ids=tuple(images)),
        Where(not_albums=("work",)),
        Where(not_albums=("work", "nobody's"), kinds=("whole",), not_image_ids=tuple(images[:9])),
        Where(not_albums=("work",), albums=("work",)),
        Where(not_mediums=("photo",)),
        Where(point_ids=tuple(point.id for point in points[::40])),
        Where(point_ids=(points[3].id, points[5].id, UUID(int=9)), not_mediums=("photo",)),
        Where(not_mediums=("photo", "drawing"), mediums=("photo", "unknown"), tags=("red",)),
    ]

    for where in wheres:
        [found] = filled.search(query, k=15, where=where)
        assert_same(found, naive_search(points, query[0], 15, where))


@pytest.mark.parametrize("count", [1, 16, 17, 40, 120])
def test_points_of_the_bin_take_no_places(
    index: VectorIndex, rng: np.random.Generator, count: int
) -> None:
    points, queries = gallery(rng, 120), clustered(rng, 2)
    nearest = [one for one, _, _ in naive_search(points, queries[0], count, None)]
    index.upsert(
        [
            replace(point, payload=replace(point.payload, is_binned=point.id in nearest))
            for point in points
        ]
    )
    others = [point for point in points if point.id not in nearest]

    for where in (None, Where(kinds=("whole", "panel"))):
        found = index.search(queries, k=20, where=where)
        for query, hits in zip(queries, found, strict=True):
            assert_same(hits, naive_search(others, query, 20, where))


def test_embeddings_of_points_are_read(filled: VectorIndex, points: list[Point]) -> None:
    asked = points[:130]

    found = filled.embeddings([UUID(int=9), *(point.id for point in asked)])

    assert set(found) == {point.id for point in asked}
    for point in asked:
        assert found[point.id].dtype == np.float32
        np.testing.assert_allclose(found[point.id], point.embedding, atol=1e-6)
    assert filled.embeddings([]) == {}


def test_ties_come_in_order_of_ids(index: VectorIndex, rng: np.random.Generator) -> None:
    first, second = clustered(rng, 2)
    numbers = [90, 20, 70, 10, 80, 30, 60, 40, 50]
    index.upsert([Point(UUID(int=number), first, payload(rng)) for number in numbers])
    index.upsert([Point(UUID(int=1), second, payload(rng))])

    [found] = index.search(first[np.newaxis], k=4)

    assert [hit.point_id.int for hit in found] == [10, 20, 30, 40]


def test_a_tie_across_the_last_place_is_decided_by_id(
    index: VectorIndex, rng: np.random.Generator
) -> None:
    embedding = clustered(rng, 1)[0]
    count = TIE_MARGIN + 1
    index.upsert([Point(UUID(int=count - n), embedding, payload(rng)) for n in range(count)])

    [found] = index.search(embedding[np.newaxis], k=1)

    assert [hit.point_id.int for hit in found] == [1]


def test_k_beyond_the_count_finds_everything(index: VectorIndex, rng: np.random.Generator) -> None:
    few = gallery(rng, 5)
    index.upsert(few)
    query = clustered(rng, 1)

    [found] = index.search(query, k=1_000)

    assert_same(found, naive_search(few, query[0], 5))


def test_an_empty_collection_has_no_hits(index: VectorIndex, rng: np.random.Generator) -> None:
    assert index.search(clustered(rng, 2), k=3) == [[], []]


def test_no_queries_have_no_hits(filled: VectorIndex) -> None:
    assert filled.search(np.empty((0, DIM), dtype=np.float32), k=3) == []


def test_queries_are_left_as_they_were(filled: VectorIndex, rng: np.random.Generator) -> None:
    queries = clustered(rng, 2) * np.float32(3)
    before = queries.copy()

    filled.search(queries, k=3)

    np.testing.assert_array_equal(queries, before)


@pytest.mark.parametrize(
    "shape", [(1, DIM - 1), (1, DIM + 1), (DIM,), (1, 1, DIM)], ids=["short", "long", "1d", "3d"]
)
def test_queries_of_a_wrong_shape_are_refused(filled: VectorIndex, shape: tuple[int, ...]) -> None:
    with pytest.raises(DimensionMismatch) as raised:
        filled.search(np.ones(shape, dtype=np.float32), k=1)

    assert raised.value.code == "vectors:ours:dimension-mismatch"


@pytest.mark.parametrize(
    "value", [np.nan, np.inf, -np.inf, 0.0], ids=["nan", "inf", "-inf", "zero"]
)
def test_queries_without_a_direction_are_refused(filled: VectorIndex, value: float) -> None:
    queries = np.ones((3, DIM), dtype=np.float32)
    queries[1] = value

    with pytest.raises(InvalidEmbedding) as raised:
        filled.search(queries, k=1)

    assert (raised.value.code, raised.value.context["query"]) == (
        "vectors:ours:invalid-embedding",
        1,
    )


@pytest.mark.parametrize("field", ["added_from", "added_before"])
def test_moments_without_a_zone_are_refused(
    filled: VectorIndex, rng: np.random.Generator, field: str
) -> None:
    where = Where(**{field: FIRST_DAY.replace(tzinfo=None)})

    with pytest.raises(InvalidSearch):
        filled.search(clustered(rng, 1), k=1, where=where)


def test_k_below_one_is_refused(filled: VectorIndex) -> None:
    with pytest.raises(InvalidSearch):
        filled.search(np.ones((1, DIM), dtype=np.float32), k=0)


@pytest.mark.parametrize("dim", [3, 130, 1280], ids=str)
def test_other_dimensions_work_alike(
    new_index: NewIndex, rng: np.random.Generator, dim: int
) -> None:
    index = new_index(dim=dim)
    index.ensure()
    few = gallery(rng, 60, dim)
    index.upsert(few)
    query = clustered(rng, 1, dim)

    [found] = index.search(query, k=10)

    assert_same(found, naive_search(few, query[0], 10))
