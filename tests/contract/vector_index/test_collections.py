"""Collections of every backend that is a Qdrant."""

from collections.abc import Iterator

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from tests.contract.vector_index.conftest import QUIET_MEMORY_MODE, new_name
from tests.contract.vector_index.edge_process import free_port
from tests.contract.vector_index.gallery import DIM, gallery
from vectors.errors import CollectionSpecMismatch, UnknownCollection, VectorStoreUnavailable
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


def test_a_store_that_is_away_is_a_transient_error() -> None:
    index = QdrantIndex(connect(f"http://127.0.0.1:{free_port()}"), CollectionSpec("any", DIM))

    for call in (index.ensure, index.count, lambda: list(index.scroll())):
        with pytest.raises(VectorStoreUnavailable) as raised:
            call()
        assert raised.value.code == "vectors:transient:unavailable"
