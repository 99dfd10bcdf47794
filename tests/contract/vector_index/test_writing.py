"""Writing, deleting, counting, listing: the same on every index."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import pytest

from tests.contract.vector_index.conftest import QUIET_MEMORY_MODE, NewIndex
from tests.contract.vector_index.gallery import DIM, clustered, gallery, ids, naive_search
from vectors.errors import DimensionMismatch, InvalidEmbedding, InvalidPayload, UnknownCollection
from vectors.index import EditablePayload, Hit, Point, PointFacts, VectorIndex, Where

pytestmark = QUIET_MEMORY_MODE


def test_a_new_collection_is_empty(index: VectorIndex) -> None:
    assert index.count() == 0
    assert list(index.scroll()) == []


def test_ensure_twice_keeps_what_is_there(index: VectorIndex, rng: np.random.Generator) -> None:
    index.upsert(gallery(rng, 3))

    index.ensure()

    assert index.count() == 3


@pytest.mark.parametrize(
    "where",
    [
        Where(labels=("кот",)),
        Where(mediums=("ü 🙂",)),
        Where(tags=("ü 🙂",)),
        Where(albums=('"quoted"',)),
    ],
    ids=["labels", "mediums", "tags", "albums"],
)
def test_what_is_written_is_what_filters_meet(
    index: VectorIndex, rng: np.random.Generator, where: Where
) -> None:
    point, other = gallery(rng, 2)
    full = replace(
        point.payload,
        labels=("кот",),
        medium="ü 🙂",
        tags=("a", "ü 🙂"),
        albums=('"quoted"',),
    )
    bare = replace(other.payload, labels=(), tags=(), albums=())
    index.upsert([replace(point, payload=full), replace(other, payload=bare)])

    [found] = index.search(point.embedding[np.newaxis], k=2, where=where)

    assert [hit.point_id for hit in found] == [point.id]


def test_a_point_is_replaced_by_its_id(index: VectorIndex, rng: np.random.Generator) -> None:
    old, new = gallery(rng, 2)
    index.upsert([old])

    index.upsert([replace(new, id=old.id)])

    [found] = index.search(new.embedding[np.newaxis], k=2)
    assert [(hit.point_id, hit.image_id) for hit in found] == [(old.id, new.payload.image_id)]
    assert found[0].score == pytest.approx(1.0, rel=1e-4)
    assert index.count() == 1


def test_of_equal_ids_the_last_one_stays(index: VectorIndex, rng: np.random.Generator) -> None:
    old, new = gallery(rng, 2)

    index.upsert([old, replace(new, id=old.id)])

    [found] = index.search(new.embedding[np.newaxis], k=2)
    assert [(hit.point_id, hit.image_id) for hit in found] == [(old.id, new.payload.image_id)]


def test_deleted_points_are_gone(index: VectorIndex, rng: np.random.Generator) -> None:
    some = gallery(rng, 30)
    index.upsert(some)

    index.delete(ids(some[:10]))

    [found] = index.search(some[0].embedding[np.newaxis], k=30)
    assert {hit.point_id for hit in found} == set(ids(some[10:]))
    assert index.count() == 20


def test_deleting_what_is_not_there_is_fine(index: VectorIndex, rng: np.random.Generator) -> None:
    some = gallery(rng, 2)
    index.upsert(some)

    index.delete([UUID(int=5), some[0].id, some[0].id])
    index.delete([])

    assert list(index.scroll()) == [(some[1].id, some[1].payload.image_id)]


def test_scroll_lists_every_point_by_ascending_id(filled: VectorIndex, points: list[Point]) -> None:
    expected = sorted((point.id, point.payload.image_id) for point in points)

    assert list(filled.scroll()) == expected
    assert filled.count() == 600


def test_scroll_crosses_pages(new_index: NewIndex, rng: np.random.Generator) -> None:
    index = new_index(dim=4)
    index.ensure()
    many = gallery(rng, 2_001, 4)
    index.upsert(many)

    listed = list(index.scroll())

    assert listed == sorted((point.id, point.payload.image_id) for point in many)


def carried(index: VectorIndex) -> dict[UUID, EditablePayload]:
    """Image → what its points carry, which is the same on each of them."""
    found: dict[UUID, set[EditablePayload]] = {}
    for image_id, payload in index.scroll_payloads():
        found.setdefault(image_id, set()).add(payload)
    return {image_id: payload for image_id, [payload] in found.items()}


def seen(hits: Iterable[Hit]) -> set[tuple[UUID, UUID, str]]:
    return {(hit.point_id, hit.image_id, hit.kind) for hit in hits}


NEW = EditablePayload(
    medium="ü 🙂",
    tags=("кот", "b"),
    albums=(),
    owner="Ο'Hara",
    licence="CC BY",
    folders=("a", "a/b"),
)


def test_a_payload_reaches_every_point_of_its_images_and_no_other(
    new_index: NewIndex, rng: np.random.Generator
) -> None:
    # 700 images: more than one request each of writing and of listing
    index = new_index(dim=4)
    index.ensure()
    old = EditablePayload(medium="photo", tags=("a",), albums=("2024",))
    points = [
        replace(point, payload=replace(point.payload, **asdict(old)))
        for point in gallery(rng, 2_100, 4)
    ]
    index.upsert(points)
    image_ids = sorted({point.payload.image_id for point in points})

    index.set_payload(image_ids[:600], NEW)

    assert carried(index) == {
        **dict.fromkeys(image_ids[:600], NEW),
        **dict.fromkeys(image_ids[600:], old),
    }
    assert index.count() == 2_100


def test_a_new_payload_leaves_all_else_as_it_was_and_filters_meet_it(
    index: VectorIndex, rng: np.random.Generator
) -> None:
    points = gallery(rng, 600)
    index.upsert(points)
    changed = {point.payload.image_id for point in points[:30]}
    own = [point for point in points if point.payload.image_id in changed]
    [before] = index.search(points[0].embedding[np.newaxis], k=600)

    index.set_payload(sorted(changed), NEW)

    [after] = index.search(points[0].embedding[np.newaxis], k=600)
    assert seen(after) == seen(before)
    scores = {hit.point_id: hit.score for hit in before}
    # The memory mode's sums are not the same twice.
    assert {hit.point_id: hit.score for hit in after} == pytest.approx(scores, abs=2e-6)
    for where, expected in (
        (Where(tags=("кот",)), own),
        (Where(mediums=("ü 🙂",), kinds=("panel",)), [p for p in own if p.payload.kind == "panel"]),
        (Where(owners=("Ο'Hara",), licences=("CC BY",), folders=("a/b",)), own),
        (
            Where(tags=("b",), labels=("cat",)),
            [point for point in own if "cat" in point.payload.labels],
        ),
    ):
        [found] = index.search(points[0].embedding[np.newaxis], k=600, where=where)
        assert {hit.point_id for hit in found} == set(ids(expected))
    gone = Where(albums=("holiday", "work"))
    [found] = index.search(points[0].embedding[np.newaxis], k=600, where=gone)
    assert not {hit.image_id for hit in found} & changed


def test_no_search_finds_points_of_the_bin_until_they_are_restored(
    index: VectorIndex, rng: np.random.Generator
) -> None:
    points = gallery(rng, 60)
    points[9] = replace(points[9], payload=replace(points[9].payload, is_binned=True))
    index.upsert(points)
    image_ids = sorted({point.payload.image_id for point in points[:9]})
    query = points[0].embedding[np.newaxis]

    index.set_payload(image_ids, replace(NEW, is_binned=True))

    for where in (None, Where(), Where(tags=("b",)), Where(not_image_ids=(UUID(int=5),))):
        expected = naive_search(points[10:], points[0].embedding, 60, where)
        [found] = index.search(query, k=60, where=where)
        assert [hit.point_id for hit in found] == [one for one, _, _ in expected]
    [found] = index.search(query, k=60, where=Where(with_binned=True))
    assert {hit.point_id for hit in found} == set(ids(points))
    assert index.count() == 60
    assert {pk for pk, payload in index.scroll_payloads() if payload.is_binned} == {
        *image_ids,
        points[9].payload.image_id,
    }

    index.set_payload(image_ids, NEW)

    [found] = index.search(query, k=60)
    assert {hit.point_id for hit in found} == set(ids(points)) - {points[9].id}


def test_a_payload_of_images_without_points_is_no_error(
    index: VectorIndex, rng: np.random.Generator
) -> None:
    index.upsert(gallery(rng, 3))
    before = list(index.scroll_payloads())

    index.set_payload([], NEW)
    index.set_payload([UUID(int=5)], NEW)

    assert list(index.scroll_payloads()) == before


def test_facts_reach_the_points_that_lack_them_and_no_other(
    new_index: NewIndex, rng: np.random.Generator
) -> None:
    # 1,200 points: more than one request
    index = new_index(dim=4)
    index.ensure()
    points = [
        replace(point, payload=replace(point.payload, side=None, is_unsure=False))
        for point in gallery(rng, 1_500, 4)
    ]
    index.upsert(points)
    query = points[0].embedding
    assert index.search(query[np.newaxis], k=9, where=Where(min_side=1)) == [[]]
    before = list(index.scroll_payloads())

    index.set_facts([point.id for point in points[:600]], PointFacts(side=7, is_unsure=True))
    index.set_facts([point.id for point in points[600:1_200]], PointFacts(side=8, is_unsure=False))
    index.set_facts([], PointFacts(side=9, is_unsure=True))
    index.set_facts([UUID(int=5)], PointFacts(side=9, is_unsure=True))

    for where, expected in (
        (Where(max_side=7), points[:600]),
        (Where(min_side=8), points[600:1_200]),
        (Where(min_side=9), []),
        (Where(with_unsure=False), points[600:]),
        (Where(with_unsure=False, min_side=1), points[600:1_200]),
    ):
        [found] = index.search(query[np.newaxis], k=1_500, where=where)
        assert {hit.point_id for hit in found} == set(ids(expected))
    assert list(index.scroll_payloads()) == before
    assert index.count() == 1_500


def test_no_points_are_no_work(index: VectorIndex) -> None:
    index.upsert([])

    assert index.count() == 0


def test_embeddings_are_left_as_they_were(index: VectorIndex, rng: np.random.Generator) -> None:
    point = gallery(rng, 1)[0]
    long = replace(point, embedding=point.embedding * np.float32(2))
    before = long.embedding.copy()

    index.upsert([long])

    np.testing.assert_array_equal(long.embedding, before)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 1e-5], ids=["nan", "inf", "zero", "tiny"])
def test_embeddings_without_a_direction_are_refused(
    index: VectorIndex, rng: np.random.Generator, value: float
) -> None:
    good, bad = gallery(rng, 2)
    bad = replace(bad, embedding=np.full(DIM, value, dtype=np.float32))

    with pytest.raises(InvalidEmbedding) as raised:
        index.upsert([good, bad])

    assert raised.value.context["point_id"] == str(bad.id)
    assert index.count() == 0


@pytest.mark.parametrize("dim", [DIM - 1, DIM + 1, 0], ids=["short", "long", "empty"])
def test_embeddings_of_another_dimension_are_refused(
    index: VectorIndex, rng: np.random.Generator, dim: int
) -> None:
    good, bad = gallery(rng, 2)

    with pytest.raises(DimensionMismatch):
        index.upsert([good, replace(bad, embedding=np.ones(dim, dtype=np.float32))])

    assert index.count() == 0


def test_a_time_without_zone_is_refused(index: VectorIndex, rng: np.random.Generator) -> None:
    point = gallery(rng, 1)[0]
    naive = replace(point.payload, created_at=datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None))

    with pytest.raises(InvalidPayload):
        index.upsert([replace(point, payload=naive)])

    assert index.count() == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda index, points: index.count(),
        lambda index, points: list(index.scroll()),
        lambda index, points: list(index.scroll_payloads()),
        lambda index, points: index.upsert(points),
        lambda index, points: index.set_payload([points[0].payload.image_id], NEW),
        lambda index, points: index.set_facts([points[0].id], PointFacts(7, is_unsure=False)),
        lambda index, points: index.delete([points[0].id]),
        lambda index, points: index.search(points[0].embedding[np.newaxis], k=1),
    ],
    ids=[
        *("count", "scroll", "scroll_payloads", "upsert"),
        *("set_payload", "set_facts", "delete", "search"),
    ],
)
def test_a_collection_that_was_never_made_is_unknown(
    new_index: NewIndex, rng: np.random.Generator, call
) -> None:
    index = new_index()

    with pytest.raises(UnknownCollection) as raised:
        call(index, gallery(rng, 1))

    assert raised.value.code == "vectors:ours:unknown-collection"
    assert raised.value.context["collection"] == index.spec.name


def test_many_small_writes_equal_one(new_index: NewIndex, rng: np.random.Generator) -> None:
    some = gallery(rng, 150)
    one, many = new_index(), new_index()
    for index in (one, many):
        index.ensure()
    one.upsert(some)
    for start in range(0, 150, 7):
        many.upsert(some[start : start + 7])
    queries = clustered(rng, 5)

    assert many.search(queries, k=12) == one.search(queries, k=12)
