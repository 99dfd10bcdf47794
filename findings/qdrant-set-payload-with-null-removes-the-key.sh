#!/bin/sh
# Qdrant: a null that set_payload writes removes the key, while a null in an upsert is kept.
#
# Guess: both write null, so that a filter for null finds the point either way.
# Seen:  upserted nulls are stored, and IsNull finds them; set_payload(x = null) takes x away, and IsNull finds
#        nothing, in the client's memory mode as in Qdrant Edge. A null one level deeper is kept. So "clear
#        this field" has two outcomes, and a filter has to ask for IsEmpty, which both of them meet.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check qdrant-edge-py==0.9.0 qdrant-client==1.20.0
venv/bin/python - <<'PY'
import tempfile

import qdrant_edge as edge
from qdrant_client import QdrantClient, models

WRITTEN = {"owner": None, "deep": {"owner": None}}


def in_memory():
    client = QdrantClient(":memory:")
    client.create_collection(
        "pictures", vectors_config=models.VectorParams(size=2, distance=models.Distance.COSINE)
    )
    points = [
        models.PointStruct(id=1, vector=[1, 0], payload=WRITTEN),
        models.PointStruct(id=2, vector=[1, 0], payload={"owner": "a", "deep": {"owner": "a"}}),
    ]
    client.upsert("pictures", points)
    client.set_payload("pictures", WRITTEN, points=[2])

    def found(condition):
        page, _ = client.scroll("pictures", scroll_filter=models.Filter(must=[condition]))
        return [point.id for point in page]

    field = models.PayloadField(key="owner")
    return (
        [point.payload for point in client.retrieve("pictures", [1, 2])],
        found(models.IsNullCondition(is_null=field)),
        found(models.IsEmptyCondition(is_empty=field)),
    )


def in_edge():
    shard = edge.EdgeShard.create(
        tempfile.mkdtemp(),
        edge.EdgeConfig(vectors=edge.EdgeVectorParams(size=2, distance=edge.Distance.Cosine)),
    )
    points = [
        edge.Point(1, [1.0, 0.0], WRITTEN),
        edge.Point(2, [1.0, 0.0], {"owner": "a", "deep": {"owner": "a"}}),
    ]
    shard.update(edge.UpdateOperation.upsert_points(points))
    shard.update(edge.UpdateOperation.set_payload([2], WRITTEN))

    def found(condition):
        query = edge.QueryRequest(
            limit=9, query=edge.Query.Nearest([1.0, 0.0]), filter=edge.Filter(must=[condition])
        )
        return [point.id for point in shard.query(query)]

    return (
        [point.payload for point in shard.retrieve([1, 2], True, False)],
        found(edge.IsNullCondition("owner")),
        found(edge.IsEmptyCondition("owner")),
    )


for name, seen in {"memory mode": in_memory(), "Edge": in_edge()}.items():
    payloads, null, empty = seen
    print(f"{name}: upserted {payloads[0]}, set {payloads[1]}; null: {null}, empty: {empty}")
    assert payloads[0] == {"owner": None, "deep": {"owner": None}}
    assert payloads[1] == {"deep": {"owner": None}}
    assert null == [1]
    assert sorted(empty) == [1, 2]
PY
