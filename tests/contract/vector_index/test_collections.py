"""Collections of every backend that is a Qdrant."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from tests.contract.vector_index.conftest import QUIET_MEMORY_MODE, new_name
from tests.contract.vector_index.edge_process import EdgeProcess, free_port
from tests.contract.vector_index.gallery import DIM, gallery
from vectors.errors import (
    CollectionSpecMismatch,
    StoreRefused,
    UnknownCollection,
    VectorStoreUnavailable,
)
from vectors.index import CollectionSpec
from vectors.qdrant import QdrantIndex, connect, drop
from vectors.schema import PAYLOAD_INDEXES

pytestmark = QUIET_MEMORY_MODE


@pytest.fixture
def name(client: QdrantClient) -> Iterator[str]:
    """A new collection name; the collection is dropped at the end."""
    name = new_name()
    yield name
    drop(client, name)


def ensured(client: QdrantClient, name: str, dim: int = DIM) -> QdrantIndex:
    index = QdrantIndex(client, CollectionSpec(name, dim))
    index.ensure()
    return index


def test_another_dimension_is_refused(client: QdrantClient, name: str) -> None:
    ensured(client, name)

    with pytest.raises(CollectionSpecMismatch) as raised:
        ensured(client, name, DIM + 1)

    assert raised.value.code == "vectors:ours:collection-spec-mismatch"
    assert raised.value.context["expected"] == f"{DIM + 1} Cosine"
    assert raised.value.context["found"] == f"{DIM} Cosine"


def test_a_dropped_collection_is_gone(client: QdrantClient, name: str) -> None:
    index = ensured(client, name)

    drop(client, name)
    drop(client, name)

    with pytest.raises(UnknownCollection):
        index.count()


def test_a_collection_made_again_is_empty(
    client: QdrantClient, name: str, rng: np.random.Generator
) -> None:
    ensured(client, name).upsert(gallery(rng, 4))
    drop(client, name)

    again = ensured(client, name, dim=8)

    assert again.count() == 0


def test_every_payload_key_is_indexed_with_its_type(client: QdrantClient, name: str) -> None:
    ensured(client, name)

    info = client.get_collection(name)

    indexed = {key: index.data_type for key, index in info.payload_schema.items()}
    # qdrant-client's memory mode keeps no indexes and reports none.
    assert indexed in ({}, PAYLOAD_INDEXES)
    assert info.config.params.vectors == models.VectorParams(
        size=DIM, distance=models.Distance.COSINE
    )


class CreationLog(BaseHTTPRequestHandler):
    """A Qdrant that knows no collection, and keeps what it is asked to create before it refuses."""

    bodies: list[dict[str, object]]

    def do_GET(self) -> None:
        self._answer(200, {"result": {"exists": False}, "status": "ok", "time": 0.0})

    def do_PUT(self) -> None:
        length = int(self.headers["Content-Length"])
        self.bodies.append(json.loads(self.rfile.read(length)))
        self._answer(400, {"status": {"error": "enough"}, "time": 0.0})

    def log_message(self, format: str, *_: object) -> None:
        pass

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def asked_to_create(spec: CollectionSpec) -> dict[str, object]:
    handler = type("Handler", (CreationLog,), {"bodies": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        client = connect(f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(StoreRefused):
            QdrantIndex(client, spec).ensure()
        client.close()
        server.shutdown()
    (body,) = handler.bodies
    return {key: value for key, value in body.items() if value is not None}


def test_a_cluster_is_asked_for_replicas_and_shards() -> None:
    body = asked_to_create(CollectionSpec("any", DIM, replicas=2, shards=6))

    assert (body["replication_factor"], body["shard_number"]) == (2, 6)


def test_a_server_alone_is_asked_for_neither() -> None:
    assert asked_to_create(CollectionSpec("any", DIM)).keys() == {"vectors", "quantization_config"}


def test_the_embedded_store_refuses_to_be_a_cluster(edge: EdgeProcess) -> None:
    client = connect(edge.url)
    index = QdrantIndex(client, CollectionSpec(new_name(), DIM, replicas=2))

    with pytest.raises(StoreRefused):
        index.ensure()
    client.close()


def test_a_store_that_is_away_is_a_transient_error() -> None:
    index = QdrantIndex(connect(f"http://127.0.0.1:{free_port()}"), CollectionSpec("any", DIM))

    for call in (index.ensure, index.count, lambda: list(index.scroll())):
        with pytest.raises(VectorStoreUnavailable) as raised:
            call()
        assert raised.value.code == "vectors:transient:unavailable"
