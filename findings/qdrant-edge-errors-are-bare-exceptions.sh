#!/bin/sh
# Qdrant Edge: what it refuses is a bare Exception, with nothing narrower to catch.
#
# Guess: a ValueError, or a class of the package, as for qdrant-client.
# Seen:  type(error) is Exception itself, and the package exports no error class; only the text says what
#        was wrong: "Vector dimension error: expected dim: 2, got 1".
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
try:
    shard.update(edge.UpdateOperation.upsert_points([edge.Point(1, [1.0], {})]))
    raised, text = None, ""
except Exception as err:
    raised, text = type(err), str(err)
classes = [
    name
    for name in edge.__all__
    if isinstance(getattr(edge, name), type) and issubclass(getattr(edge, name), BaseException)
]
print(raised, text, "· error classes of the package:", classes)
assert raised is Exception
assert text == "Vector dimension error: expected dim: 2, got 1"
assert classes == []
PY
