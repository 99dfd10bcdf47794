#!/bin/sh
# Qdrant Edge: a vector with NaN is stored and counted, and no search ever returns it.
#
# Guess: refused, as a vector of the wrong length is.
# Seen:  accepted without an error; count says 2, a search for everything returns 1 point, so a picture
#        indexed by a network that failed is in the catalogue and cannot be found. qdrant-client's memory
#        mode refuses it ("Vector contains NaN values").
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check qdrant-edge-py==0.9.0
venv/bin/python - <<'PY'
import tempfile

import qdrant_edge as edge

shard = edge.EdgeShard.create(
    tempfile.mkdtemp(),
    edge.EdgeConfig(vectors=edge.EdgeVectorParams(size=2, distance=edge.Distance.Cosine)),
)
shard.update(
    edge.UpdateOperation.upsert_points(
        [edge.Point(1, [1.0, 0.0], {}), edge.Point(2, [float("nan"), 0.0], {})]
    )
)
stored = shard.count(edge.CountRequest(exact=True))
found = [
    point.id for point in shard.query(edge.QueryRequest(limit=9, query=edge.Query.Nearest([1.0, 0.0])))
]
print("stored:", stored, "· found:", found)
assert stored == 2
assert found == [1]
PY
