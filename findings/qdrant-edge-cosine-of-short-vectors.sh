#!/bin/sh
# Qdrant Edge: below a length of about 3.5e-4 the cosine depends on the length of the stored vector.
#
# Guess: with Distance.Cosine any vector but zero is normalised, so a parallel one scores 1.
# Seen:  Edge leaves vectors whose squared length is below float32's epsilon as they are: [1e-4, 0] scores
#        1e-4 for the query [1, 0]. qdrant-client's memory mode normalises all of them.
#        Edge:   1 1 1 1e-04 1e-05 1e-06 1e-07 1e-08 · memory mode: 1 1 1 1 1 1 1 1
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check qdrant-edge-py==0.9.0 qdrant-client==1.20.0 numpy==2.4.6
venv/bin/python - <<'PY'
import tempfile

import qdrant_edge as edge
from qdrant_client import QdrantClient, models

lengths = {number: 10.0**-number for number in range(1, 9)}
shard = edge.EdgeShard.create(
    tempfile.mkdtemp(),
    edge.EdgeConfig(vectors=edge.EdgeVectorParams(size=2, distance=edge.Distance.Cosine)),
)
shard.update(
    edge.UpdateOperation.upsert_points(
        [edge.Point(number, [length, 0.0], {}) for number, length in lengths.items()]
    )
)
found = shard.query(edge.QueryRequest(limit=9, query=edge.Query.Nearest([1.0, 0.0])))
in_edge = {point.id: point.score for point in found}
client = QdrantClient(":memory:")
client.create_collection(
    "c", vectors_config=models.VectorParams(size=2, distance=models.Distance.COSINE)
)
client.upsert(
    "c", [models.PointStruct(id=number, vector=[length, 0]) for number, length in lengths.items()]
)
hits = client.query_points("c", query=[1.0, 0.0], limit=9).points
in_memory = {point.id: point.score for point in hits}
print("Edge:       ", *(f"{in_edge[n]:.0e}" for n in lengths))
print("memory mode:", *(f"{in_memory[n]:.0e}" for n in lengths))
assert all(abs(in_edge[n] - 1) < 1e-6 for n in (1, 2, 3))
assert all(abs(in_edge[n] / lengths[n] - 1) < 1e-3 for n in (4, 5, 6, 7, 8))
assert all(abs(score - 1) < 1e-6 for score in in_memory.values())
PY
