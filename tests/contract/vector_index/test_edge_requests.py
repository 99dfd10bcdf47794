"""The embedded store's REST surface: what it cannot do it refuses, and nothing is ignored."""

from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from tests.contract.vector_index.conftest import new_name
from tests.contract.vector_index.edge_process import EdgeProcess
from tests.contract.vector_index.gallery import DIM, clustered, gallery
from vectors.index import CollectionSpec, Point
from vectors.qdrant import QdrantIndex, connect, drop
from vectors.schema import payload_to_dict

VECTOR = [1.0] * DIM
SEARCH = {"query": VECTOR, "limit": 3}


@pytest.fixture(scope="module")
def points() -> list[Point]:
    return gallery(np.random.default_rng(11), 40)


@pytest.fixture(scope="module")
def index(edge: EdgeProcess, points: list[Point]) -> Iterator[QdrantIndex]:
    client = connect(edge.url)
    index = QdrantIndex(client, CollectionSpec(new_name(), DIM))
    index.ensure()
    index.upsert(points)
    yield index
    drop(client, index.spec.name)
    client.close()


@pytest.fixture
def http(edge: EdgeProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=edge.url, trust_env=False, timeout=30.0) as client:
        yield client


@pytest.fixture
def path(index: QdrantIndex) -> str:
    return f"/collections/{index.spec.name}"


def error_of(response: httpx.Response) -> str:
    return str(response.json()["status"]["error"])


UNSUPPORTED_CONDITIONS = {
    "empty-range": {"key": "side", "range": {}},
    "range-of-nothing": {"key": "side", "range": {"gte": None}},
    "range-of-days": {"key": "created_at", "range": {"gte": "2024-05-17"}},
    "range-without-a-zone": {"key": "created_at", "range": {"lt": "2024-05-17T08:30:00"}},
    "range-of-words": {"key": "created_at", "range": {"lt": "yesterday"}},
    "match-and-range": {"key": "kind", "match": {"value": "whole"}, "range": {"gte": 3}},
    "text": {"key": "labels", "match": {"text": "cat"}},
    "true": {"key": "is_public", "match": {"value": True}},
    "values-count": {"key": "tags", "values_count": {"gt": 1}},
    "geo": {"key": "at", "geo_radius": {"center": {"lat": 0, "lon": 0}, "radius": 9}},
    "is-empty": {"is_empty": {"key": "tags"}},
    "is-null": {"is_null": {"key": "labels"}},
    "nested": {"nested": {"key": "a", "filter": {"must": []}}},
    "has-vector": {"has_vector": "other"},
    "deep-inside": {"must_not": [{"should": [{"is_empty": {"key": "tags"}}]}]},
    "nothing-said": {"key": "kind"},
    "unknown-key": {"key": "kind", "matches": {"value": "whole"}},
}


@pytest.mark.parametrize("condition", UNSUPPORTED_CONDITIONS.values(), ids=UNSUPPORTED_CONDITIONS)
@pytest.mark.parametrize("part", ["must", "should", "must_not"])
def test_a_condition_without_counterpart_is_refused_everywhere(
    http: httpx.Client, path: str, index: QdrantIndex, condition: object, part: str
) -> None:
    where = {part: [{"key": "kind", "match": {"value": "whole"}}, condition]}
    requests = [
        ("/points/query", {**SEARCH, "filter": where}),
        ("/points/query/batch", {"searches": [SEARCH, {**SEARCH, "filter": where}]}),
        ("/points/scroll", {"filter": where}),
        ("/points/count", {"filter": where}),
        ("/points/delete", {"filter": where}),
        ("/points/payload", {"payload": {"medium": "photo"}, "filter": where}),
    ]

    answers = [http.post(path + route, json=body) for route, body in requests]

    assert [answer.status_code for answer in answers] == [400] * 6
    assert all(error_of(answer) for answer in answers)
    assert index.count() == 40


def test_min_should_is_refused(http: httpx.Client, path: str) -> None:
    kind = {"key": "kind", "match": {"value": "whole"}}
    where = {"min_should": {"conditions": [kind], "min_count": 1}}

    answer = http.post(path + "/points/count", json={"filter": where})

    assert answer.status_code == 400
    assert error_of(answer) == "Filter: min_should not supported by the embedded store"


UNSUPPORTED_SEARCHES = {
    "no-query": {"limit": 3},
    "by-id": {"query": 7},
    "by-uuid": {"query": "6f0f5a0e-3b0c-4a4f-9d2e-7b8d3f0e6a11"},
    "recommend": {"query": {"recommend": {"positive": [1]}}},
    "fusion": {"query": {"fusion": "rrf"}},
    "order-by": {"query": {"order_by": "created_at"}},
    "sparse": {"query": {"indices": [1], "values": [1.0]}},
    "multivector": {"query": [VECTOR, VECTOR]},
    "mmr": {"query": {"nearest": VECTOR, "mmr": {"diversity": 0.5}}},
    "prefetch": {**SEARCH, "prefetch": {"query": VECTOR}},
    "using": {**SEARCH, "using": "other"},
    "lookup": {**SEARCH, "lookup_from": {"collection": "other"}},
    "shard-key": {**SEARCH, "shard_key": "eu"},
    "hnsw-ef": {**SEARCH, "params": {"hnsw_ef": 64}},
    "indexed-only": {**SEARCH, "params": {"indexed_only": True}},
    "payload-selector": {**SEARCH, "with_payload": {"exclude": ["tags"]}},
    "vector-names": {**SEARCH, "with_vector": ["other"]},
    "limit-zero": {**SEARCH, "limit": 0},
    "negative-offset": {**SEARCH, "offset": -1},
    "short-vector": {"query": VECTOR[1:]},
    "zero-vector": {"query": [0.0] * DIM},
}


@pytest.mark.parametrize("search", UNSUPPORTED_SEARCHES.values(), ids=UNSUPPORTED_SEARCHES)
def test_a_search_without_counterpart_is_refused(
    http: httpx.Client, path: str, search: object
) -> None:
    alone = http.post(path + "/points/query", json=search)
    in_batch = http.post(path + "/points/query/batch", json={"searches": [SEARCH, search]})

    assert (alone.status_code, in_batch.status_code) == (400, 400)
    assert error_of(alone) == error_of(in_batch)


def point(**changes: object) -> dict[str, object]:
    return {"id": 1, "vector": VECTOR, "payload": {"kind": "whole"}, **changes}


UNSUPPORTED_UPSERTS = {
    "short-vector": {"points": [point(), point(id=2, vector=VECTOR[1:])]},
    "zero-vector": {"points": [point(), point(id=2, vector=[0.0] * DIM)]},
    "too-large-a-number": {"points": [point(), point(id=2, vector=[1e39] * DIM)]},
    "named-vector": {"points": [point(vector={"other": VECTOR})]},
    "multivector": {"points": [point(vector=[VECTOR, VECTOR])]},
    "bad-id": {"points": [point(id="picture-1")]},
    "negative-id": {"points": [point(id=-1)]},
    "columns": {"batch": {"ids": [1], "vectors": [VECTOR]}},
    "insert-only": {"points": [point()], "update_mode": "insert_only"},
    "update-filter": {"points": [point()], "update_filter": {"must": []}},
    "shard-key": {"points": [point()], "shard_key": "eu"},
}


@pytest.mark.parametrize("body", UNSUPPORTED_UPSERTS.values(), ids=UNSUPPORTED_UPSERTS)
def test_an_upsert_without_counterpart_changes_nothing(
    http: httpx.Client, path: str, index: QdrantIndex, body: object
) -> None:
    answer = http.put(path + "/points", json=body)

    assert answer.status_code == 400
    assert error_of(answer)
    assert index.count() == 40


UNSUPPORTED_PAYLOADS = {
    "of-nothing": {"payload": {"medium": "photo"}},
    "named-twice": {"payload": {"medium": "photo"}, "points": [1], "filter": {}},
    "within": {"payload": {"medium": "photo"}, "points": [1], "key": "a.b"},
    "shard-key": {"payload": {"medium": "photo"}, "points": [1], "shard_key": "eu"},
    "bad-id": {"payload": {"medium": "photo"}, "points": ["picture-1"]},
    "no-object": {"payload": ["medium"], "points": [1]},
    "no-payload": {"points": [1]},
}


@pytest.mark.parametrize("body", UNSUPPORTED_PAYLOADS.values(), ids=UNSUPPORTED_PAYLOADS)
def test_a_payload_without_counterpart_changes_nothing(
    http: httpx.Client, path: str, index: QdrantIndex, body: object
) -> None:
    before = list(index.scroll_payloads())

    answer = http.post(path + "/points/payload", json=body)

    assert answer.status_code == 400
    assert error_of(answer)
    assert list(index.scroll_payloads()) == before


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_json_does_not_have_are_refused(
    http: httpx.Client, path: str, index: QdrantIndex, number: str
) -> None:
    vector = "[" + ",".join([number] + ["1.0"] * (DIM - 1)) + "]"
    headers = {"content-type": "application/json"}

    upsert = http.put(
        path + "/points", content=f'{{"points":[{{"id":1,"vector":{vector}}}]}}', headers=headers
    )
    search = http.post(path + "/points/query", content=f'{{"query":{vector}}}', headers=headers)

    assert (upsert.status_code, search.status_code) == (400, 400)
    assert index.count() == 40


UNSUPPORTED_COLLECTIONS = {
    "named-vectors": {"vectors": {"image": {"size": 4, "distance": "Cosine"}}},
    "no-vectors": {},
    "other-distance": {"vectors": {"size": 4, "distance": "Dot"}},
    "no-size": {"vectors": {"size": 0, "distance": "Cosine"}},
    "half-floats": {"vectors": {"size": 4, "distance": "Cosine", "datatype": "float16"}},
    "graph": {"vectors": {"size": 4, "distance": "Cosine"}, "hnsw_config": {"m": 16}},
    "shards": {"vectors": {"size": 4, "distance": "Cosine"}, "shard_number": 2},
    "other-codes": {
        "vectors": {"size": 4, "distance": "Cosine"},
        "quantization_config": {"scalar": {"type": "int8"}},
    },
    "other-bits": {
        "vectors": {"size": 4, "distance": "Cosine"},
        "quantization_config": {"turbo": {"bits": "bits2"}},
    },
}


@pytest.mark.parametrize("body", UNSUPPORTED_COLLECTIONS.values(), ids=UNSUPPORTED_COLLECTIONS)
def test_a_collection_without_counterpart_is_not_made(http: httpx.Client, body: object) -> None:
    answer = http.put("/collections/other", json=body)

    assert answer.status_code == 400
    assert http.get("/collections/other/exists").json()["result"] == {"exists": False}


@pytest.mark.parametrize("name", ["..%2Fevil", ".hidden", "a%20b", "x" * 129])
def test_a_name_that_is_no_folder_name_is_refused(http: httpx.Client, name: str) -> None:
    body = {"vectors": {"size": 4, "distance": "Cosine"}}

    answer = http.put(f"/collections/{name}", json=body)

    assert answer.status_code in (400, 404)


def test_an_existing_collection_is_a_conflict(http: httpx.Client, path: str) -> None:
    answer = http.put(path, json={"vectors": {"size": DIM, "distance": "Cosine"}})

    assert answer.status_code == 409


def test_an_unknown_collection_is_not_found(http: httpx.Client) -> None:
    answer = http.post("/collections/nowhere/points/count", json={})

    assert answer.status_code == 404
    assert error_of(answer) == "Not found: Collection `nowhere` doesn't exist!"


@pytest.mark.parametrize(
    ("method", "route", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/collections/x/points/recommend/batch", 404),
        ("GET", "/aliases", 404),
        ("POST", "/collections/aliases", 405),
        ("PATCH", "/collections/x", 405),
    ],
)
def test_an_unknown_route_is_refused_in_the_same_shape(
    http: httpx.Client, method: str, route: str, status: int
) -> None:
    answer = http.request(method, route)

    assert answer.status_code == status
    assert error_of(answer)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"limit": "many"}'])
def test_a_broken_body_is_refused(http: httpx.Client, path: str, body: bytes) -> None:
    headers = {"content-type": "application/json"}

    answer = http.post(path + "/points/scroll", content=body, headers=headers)

    assert answer.status_code == 400
    assert error_of(answer).startswith("Format error in JSON body")


def test_a_query_parameter_without_counterpart_is_refused(http: httpx.Client, path: str) -> None:
    answer = http.post(path + "/points/count?shard_key=3", json={})

    assert answer.status_code == 400
    assert error_of(answer) == "query parameters not supported: shard_key"


def test_a_body_beyond_the_bound_is_refused(http: httpx.Client, path: str) -> None:
    megabyte = b" " * 1024 * 1024

    answer = http.put(
        path + "/points",
        content=(megabyte for _ in range(65)),
        headers={"content-type": "application/json"},
    )

    assert answer.status_code == 413
    assert error_of(answer) == "the body may have 67108864 bytes at most, this has 68157440"


def test_another_host_name_is_not_answered(http: httpx.Client, path: str) -> None:
    answer = http.get(path, headers={"host": "rebound.example"})

    assert answer.status_code == 400


def test_a_body_that_any_web_page_could_send_is_refused(
    http: httpx.Client, path: str, index: QdrantIndex
) -> None:
    answer = http.post(
        path + "/points/delete", content=b'{"filter":{}}', headers={"content-type": "text/plain"}
    )

    assert answer.status_code == 400
    assert error_of(answer) == "the content type must be application/json"
    assert index.count() == 40


def test_the_rest_of_what_is_supported_works_through_the_client(
    edge: EdgeProcess, index: QdrantIndex, points: list[Point], rng: np.random.Generator
) -> None:
    client, name = QdrantClient(url=edge.url, check_compatibility=False), index.spec.name
    query = clustered(rng, 1)[0].tolist()
    whole = models.FieldCondition(key="kind", match=models.MatchValue(value="whole"))
    others = models.FieldCondition(key="kind", match=models.MatchExcept(**{"except": ["whole"]}))
    chosen = models.HasIdCondition(has_id=[str(point.id) for point in points[:9]])
    expected_whole = sum(point.payload.kind == "whole" for point in points[:9])

    ranked = client.query_points(name, query, limit=40).points
    skipped = client.query_points(name, query, limit=5, offset=3).points
    between = (ranked[6].score + ranked[7].score) / 2
    cut = client.query_points(name, query, score_threshold=between).points
    [record] = client.retrieve(name, [str(points[0].id)], with_vectors=True)
    both = models.Filter(must=[models.Filter(should=[whole]), chosen])
    rest = models.Filter(must=others, should=[chosen])

    assert [hit.id for hit in skipped] == [hit.id for hit in ranked[3:8]]
    assert [hit.id for hit in cut] == [hit.id for hit in ranked[:7]]
    assert (record.id, record.vector) == (
        str(points[0].id),
        pytest.approx(points[0].embedding.tolist(), abs=1e-6),
    )
    assert client.count(name, both).count == expected_whole
    assert client.count(name, rest).count == 9 - expected_whole
    assert name in [one.name for one in client.get_collections().collections]
    with pytest.raises(UnexpectedResponse, match="400"):
        client.query_points(name, models.OrderByQuery(order_by="created_at"))


def test_points_are_deleted_by_filter(edge: EdgeProcess, rng: np.random.Generator) -> None:
    client = connect(edge.url)
    index = QdrantIndex(client, CollectionSpec(new_name(), DIM))
    index.ensure()
    points = gallery(rng, 30)
    index.upsert(points)
    whole = models.FieldCondition(key="kind", match=models.MatchAny(any=["whole", "panel"]))

    client.delete(index.spec.name, models.FilterSelector(filter=models.Filter(must=[whole])))

    expected = sorted(point.id for point in points if point.payload.kind == "object")
    assert [one for one, _ in index.scroll()] == expected
    drop(client, index.spec.name)


def test_payloads_are_set_by_ids(edge: EdgeProcess, rng: np.random.Generator) -> None:
    client = connect(edge.url)
    index = QdrantIndex(client, CollectionSpec(new_name(), DIM))
    index.ensure()
    points = gallery(rng, 6)
    index.upsert(points)
    chosen = [str(point.id) for point in points[:2]]

    client.set_payload(index.spec.name, {"medium": "seen"}, chosen)

    records, _ = client.scroll(index.spec.name, limit=10)
    seen = {record.id for record in records if record.payload["medium"] == "seen"}
    assert seen == set(chosen)
    expected = {str(point.id): payload_to_dict(point.payload).keys() for point in points}
    assert {record.id: record.payload.keys() for record in records} == expected
    drop(client, index.spec.name)
