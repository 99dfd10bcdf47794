#!/bin/sh
# Qdrant Edge: a payload index changes which points a filter finds, not only how fast.
#
# Guess: an index makes a filter faster, and the same points meet it with and without.
# Seen:  with an integer index 5.5 is no longer above 5, nor is 1.5 at least 1: numbers with a fraction are
#        in no range, and must_not finds them instead; 5.0 is 5 with the index, and is not without. With a UUID
#        index the same UUID in capitals or without hyphens is found, without it is not; what is excepted
#        changes the other way round. Floats in an index of floats, and words in one of keywords, stay as they
#        were. So a filter is right only if every writer writes the type of the index: whole numbers as
#        integers, UUIDs in one spelling.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check qdrant-edge-py==0.9.0
venv/bin/python - <<'PY'
import tempfile

import qdrant_edge as edge

ONE = "550e8400-e29b-41d4-a716-446655440000"
PAYLOADS = {
    1: {"size": 5, "owner": ONE, "share": 0.5, "name": "a"},
    2: {"size": 5.0, "owner": ONE.upper(), "share": 1.5, "name": "b"},
    3: {"size": 5.5, "owner": ONE.replace("-", ""), "share": 2, "name": ["a", "c"]},
}
FILTERS = {
    "size is 5": edge.FieldCondition("size", match=edge.MatchValue(5)),
    "size above 5": edge.FieldCondition("size", range=edge.RangeFloat(gt=5)),
    "owner is one": edge.FieldCondition("owner", match=edge.MatchValue(ONE)),
    "owner but one": edge.FieldCondition("owner", match=edge.MatchExcept([ONE])),
    "share above 1": edge.FieldCondition("share", range=edge.RangeFloat(gt=1)),
    "name is a": edge.FieldCondition("name", match=edge.MatchValue("a")),
}
shard = edge.EdgeShard.create(
    tempfile.mkdtemp(),
    edge.EdgeConfig(vectors=edge.EdgeVectorParams(size=2, distance=edge.Distance.Cosine)),
)
shard.update(
    edge.UpdateOperation.upsert_points(
        [edge.Point(number, [1.0, number], payload) for number, payload in PAYLOADS.items()]
    )
)


def found(filter):
    query = edge.QueryRequest(limit=9, query=edge.Query.Nearest([1.0, 0.0]), filter=filter)
    return sorted(point.id for point in shard.query(query))


def all_found():
    return {
        name: (found(edge.Filter(must=[condition])), found(edge.Filter(must_not=[condition])))
        for name, condition in FILTERS.items()
    }


without = all_found()
for key, kind in {
    "size": edge.PayloadSchemaType.Integer,
    "owner": edge.PayloadSchemaType.Uuid,
    "share": edge.PayloadSchemaType.Float,
    "name": edge.PayloadSchemaType.Keyword,
}.items():
    shard.update(edge.UpdateOperation.create_field_index(key, kind))
with_index = all_found()
for name in FILTERS:
    print(f"{name}: must, must_not without an index {without[name]}, with one {with_index[name]}")
assert without["size is 5"] == ([1], [2, 3])
assert with_index["size is 5"] == ([1, 2], [3])
assert without["size above 5"] == ([3], [1, 2])
assert with_index["size above 5"] == ([], [1, 2, 3])
assert without["owner is one"] == ([1], [2, 3])
assert with_index["owner is one"] == ([1, 2, 3], [])
assert without["owner but one"] == ([2, 3], [1])
assert with_index["owner but one"] == ([], [1, 2, 3])
assert without["share above 1"] == with_index["share above 1"] == ([2, 3], [1])
assert without["name is a"] == with_index["name is a"] == ([1, 3], [2])
PY
