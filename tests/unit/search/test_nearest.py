"""Which points a query finds, and in which order: by its neighbours and its middle."""

from uuid import UUID

import numpy as np
import pytest
from django.utils import timezone

from kernel.task_messages import ExtractedQuery, QueryRegion
from ml.rules.layout import Layout
from search.groups import Pair, QueryPart, in_turns
from search.nearest import nearest
from tests.contract.vector_index.gallery import unit
from vectors.faiss import FaissIndex
from vectors.index import CollectionSpec, Payload, Point, Where

WHOLE = QueryRegion("whole", 0, (0, 0, 60, 40))
DOG = QueryRegion("object", 0, (10, 10, 30, 30), "dog")
PANELS = [QueryRegion("panel", number, (0, 0, 20, 40)) for number in range(2)]
# The subject's pictures lie around the first axis and the second; the query is near the second
# alone, as a drawing is, and near the third, as something else is.
QUERY = [0.1, 0.8, 0.4, 0.0]
SUBJECT = {1: [0.3, 0.9, 0.0, 0.0], 2: [0.8, 0.6, 0.0, 0.0], 3: [0.9, 0.4, 0.0, 0.0]}
OTHERS = {4: [0.0, 0.65, 0.76, 0.0]}
UNRELATED = {number: [0.1, 0.1, 0.1, 1.0] for number in range(10, 70)}


def gallery(*more: dict[int, list[float]]) -> FaissIndex:
    index = FaissIndex(CollectionSpec(name="regions", dim=4))
    index.ensure()
    index.upsert(
        [
            Point(
                UUID(int=number),
                unit(np.array([row]))[0],
                Payload(UUID(int=number), "whole", (), "photo", (), (), timezone.now()),
            )
            for each in more
            for number, row in each.items()
        ]
    )
    return index


def extracted(*rows: list[float], middle=None, regions=(WHOLE,)) -> ExtractedQuery:
    return ExtractedQuery(
        encoder_version=1,
        layout=Layout.SINGLE,
        regions=regions,
        box=None,
        embeddings=unit(np.array(rows)),
        are_plain=(False,) * len(rows),
        model_ms=0,
        middle=None if middle is None else unit(np.array([middle]))[0],
    )


def found(index, query, parts=None, *, limit=10, where=None):
    parts = [QueryPart(WHOLE, (0,))] if parts is None else parts
    where = Where() if where is None else where
    hits, by_cosine = nearest(index, query, parts, where=where, limit=limit, left_s=lambda: 5.0)
    direct = index.search(query.embeddings, k=4 * limit, where=where)
    assert [each[: 4 * limit] for each in by_cosine] == direct
    return [[(hit.point_id.int, hit.score) for hit in each] for each in hits]


def order(hits: list[tuple[int, float]]) -> list[int]:
    return [number for number, _ in hits]


@pytest.fixture
def alone(settings) -> None:
    """Queries are asked as they are."""
    settings.SEARCH_NEIGHBOURS, settings.SEARCH_MIDDLE = 0, False


@pytest.mark.usefixtures("alone")
def test_a_query_alone_finds_by_cosine() -> None:
    index = gallery(SUBJECT, OTHERS, UNRELATED)

    [hits] = found(index, extracted(QUERY, middle=OTHERS[4]))

    [direct] = index.search(extracted(QUERY).embeddings, k=40)
    assert order(hits)[:4] == [4, 1, 2, 3]
    assert hits == [(hit.point_id.int, hit.score) for hit in direct]


def test_what_is_near_its_neighbours_comes_before_what_is_near_one_side_of_it() -> None:
    index = gallery({1: SUBJECT[1], 5: [0.28, 0.92, 0, 0.1]}, OTHERS, UNRELATED)
    [before] = index.search(extracted(QUERY).embeddings, k=3)

    [hits] = found(index, extracted(QUERY))

    assert [hit.point_id.int for hit in before] == [4, 1, 5]
    assert sorted(order(hits)[:2]) == [1, 5]
    assert [score for _, score in hits[:3]] == [hit.score for hit in before]


def test_the_middle_of_a_query_counts_as_much_as_all_of_it(settings) -> None:
    settings.SEARCH_NEIGHBOURS = 0
    index = gallery(SUBJECT, OTHERS, UNRELATED)

    [hits] = found(index, extracted(QUERY, middle=[1.0, 0.2, 0, 0]))

    assert order(hits)[:4] == [2, 3, 1, 4]


def test_what_is_found_by_expansion_alone_has_its_own_cosine_dealt_out() -> None:
    # given so few places that the subject's other pictures have none
    crowd = {number: [0.0, 0.65, 0.76, 0.001 * number] for number in range(100, 104)}
    index = gallery(SUBJECT, crowd, UNRELATED)
    query = extracted([0.25, 0.8, 0.4, 0.0], middle=[1.0, 0.4, 0.0, 0.0])

    [hits] = found(index, query, limit=1)

    own = query.embeddings[0]
    scores = sorted((float(own @ row_of(index, number)) for number in order(hits)), reverse=True)
    assert {2, 3} & set(order(hits))
    assert [score for _, score in hits] == pytest.approx(scores, abs=1e-5)


def test_the_picture_itself_stays_first() -> None:
    index = gallery({1: SUBJECT[1], 2: QUERY, 3: SUBJECT[1]}, UNRELATED)

    [hits] = found(index, extracted(QUERY, middle=SUBJECT[1]))

    assert hits[0] == (2, pytest.approx(1.0, abs=1e-5))


def test_objects_are_asked_as_they_are_and_each_panel_by_its_own_neighbours() -> None:
    index = gallery(SUBJECT, OTHERS, UNRELATED)
    regions = (WHOLE, *PANELS, DOG)
    query = extracted(QUERY, SUBJECT[3], OTHERS[4], OTHERS[4], regions=regions)
    parts = [QueryPart(PANELS[0], (1, 3)), QueryPart(PANELS[1], (2,)), QueryPart(WHOLE, (0,))]

    hits = found(index, query, parts)

    assert [order(each)[0] for each in hits] == [order(found(index, query)[0])[0], 3, 4, 4]
    [direct] = index.search(query.embeddings[3:], k=40)
    assert hits[3] == [(hit.point_id.int, hit.score) for hit in direct]


def test_conditions_hold_for_what_expansion_finds() -> None:
    index = gallery(SUBJECT, OTHERS, UNRELATED)
    where = Where(not_image_ids=(UUID(int=1), UUID(int=3)))

    [hits] = found(index, extracted(QUERY, middle=[1.0, 0.2, 0, 0]), where=where)

    assert not {1, 3} & set(order(hits))


def test_what_is_not_to_be_expanded_stays_by_cosine() -> None:
    index, parts = gallery(SUBJECT, OTHERS, UNRELATED), [QueryPart(WHOLE, (0,))]
    query = extracted(QUERY, middle=SUBJECT[3])

    hits, by_cosine = nearest(
        index, query, parts, where=Where(), limit=10, left_s=lambda: 5.0, is_expanded=False
    )

    assert hits == by_cosine == index.search(query.embeddings, k=40)
    assert order(found(index, query)[0]) != [hit.point_id.int for hit in hits[0]]


def test_two_orders_are_taken_in_turns() -> None:
    first, second = (
        {UUID(int=number): Pair(WHOLE, UUID(int=number), score) for number in numbers}
        for numbers, score in (((1, 2, 3), 0.5), ((4, 1, 5, 6), 0.4))
    )

    pairs = in_turns(first, second, limit=5)

    assert [(image_id.int, pair.score) for image_id, pair in pairs.items()] == [
        *((1, 0.5), (4, 0.4), (2, 0.5), (3, 0.5), (5, 0.4)),
    ]
    assert in_turns(first, second, limit=0) == {}


def test_an_empty_catalogue_has_no_hits() -> None:
    assert found(gallery(), extracted(QUERY, middle=QUERY)) == [[]]


def row_of(index: FaissIndex, number: int):
    return index.embeddings([UUID(int=number)])[UUID(int=number)]
