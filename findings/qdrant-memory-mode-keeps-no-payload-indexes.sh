#!/bin/sh
# qdrant-client: in memory mode a payload index is "completed", and then not there.
#
# Guess: get_collection lists what create_payload_index made, as it does on a server.
# Seen:  operation completed, payload_schema {}. A test that checks indexes in this mode cannot pass, one
#        that only checks the answer cannot fail. A query of the wrong size is a raw numpy error there,
#        while an upsert of the wrong size is refused with Qdrant's own words.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check qdrant-client==1.20.0 numpy==2.4.6
venv/bin/python - <<'PY'
import warnings

from qdrant_client import QdrantClient, models

warnings.simplefilter("ignore")
client = QdrantClient(":memory:")
client.create_collection(
    "c", vectors_config=models.VectorParams(size=4, distance=models.Distance.COSINE)
)
status = client.create_payload_index("c", "k", models.PayloadSchemaType.KEYWORD).status
schema = client.get_collection("c").payload_schema
client.upsert("c", [models.PointStruct(id=1, vector=[1, 0, 0, 0])])
said = []
for act in (
    lambda: client.query_points("c", query=[1.0, 0, 0]),
    lambda: client.upsert("c", [models.PointStruct(id=2, vector=[1, 0, 0])]),
):
    try:
        act()
    except ValueError as err:
        said.append(str(err))
print(status, schema, *said, sep="\n")
assert (status, schema) == (models.UpdateStatus.COMPLETED, {})
assert "not aligned" in said[0]
assert "expected dim: 4, got 3" in said[1]
PY
