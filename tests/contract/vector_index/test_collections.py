"""Collections and aliases of every backend that is a Qdrant."""

from collections.abc import Iterator

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from tests.contract.vector_index.conftest import QUIET_MEMORY_MODE, new_name
from tests.contract.vector_index.edge_process import free_port
from tests.contract.vector_index.gallery import DIM, gallery
from vectors.errors import CollectionSpecMismatch, UnknownCollection, VectorStoreUnavailable
from vectors.index import CollectionSpec
from vectors.qdrant import QdrantIndex, connect, drop, point_alias
from vectors.schema import PAYLOAD_INDEXES

pytestmark = QUIET_MEMORY_MODE


@pytest.fixture
def names(client: QdrantClient) -> Iterator[list[str]]:
    """Two new collection names and an alias name; the collections are dropped at the end."""
    names = [new_name(), new_name(), new_name() + "_alias"]
    yield names
    for name in names[:2]:
        drop(client, name)


def ensured(client: QdrantClient, name: str, dim: int = DIM) -> QdrantIndex:
    index = QdrantIndex(client, CollectionSpec(name, dim))
    index.ensure()
    return index


def test_another_dimension_is_refused(client: QdrantClient, names: list[str]) -> None:
    ensured(client, names[0])

    with pytest.raises(CollectionSpecMismatch) as raised:
        ensured(client, names[0], DIM + 1)

    assert raised.value.code == "vectors:ours:collection-spec-mismatch"
    assert raised.value.context["expected"] == f"{DIM + 1} Cosine"
    assert raised.value.context["found"] == f"{DIM} Cosine"


def test_an_alias_searches_the_collection_it_points_at(
    client: QdrantClient, names: list[str], rng: np.random.Generator
) -> None:
    first, second, alias = names
    points = gallery(rng, 2)
    for name, point in zip((first, second), points, strict=True):
        ensured(client, name).upsert([point])
    by_alias = QdrantIndex(client, CollectionSpec(alias, DIM))
    query = points[0].embedding[np.newaxis]

    point_alias(client, alias=alias, collection=first)
    before = by_alias.search(query, k=5)
    point_alias(client, alias=alias, collection=second)
    point_alias(client, alias=alias, collection=second)
    after = by_alias.search(query, k=5)

    assert [hit.point_id for hit in before[0]] == [points[0].id]
    assert [hit.point_id for hit in after[0]] == [points[1].id]
    assert list(by_alias.scroll()) == [(points[1].id, points[1].payload.image_id)]


def test_an_alias_never_points_at_nothing(
    client: QdrantClient, names: list[str], rng: np.random.Generator
) -> None:
    first, missing, alias = names
    ensured(client, first).upsert(gallery(rng, 1))
    point_alias(client, alias=alias, collection=first)

    with pytest.raises(UnknownCollection):
        point_alias(client, alias=alias, collection=missing)

    assert QdrantIndex(client, CollectionSpec(alias, DIM)).count() == 1


def test_a_dropped_collection_is_gone_with_its_alias(
    client: QdrantClient, names: list[str]
) -> None:
    first, _, alias = names
    index = ensured(client, first)
    point_alias(client, alias=alias, collection=first)

    drop(client, first)
    drop(client, first)

    with pytest.raises(UnknownCollection):
        index.count()
    with pytest.raises(UnknownCollection):
        QdrantIndex(client, CollectionSpec(alias, DIM)).count()


def test_a_collection_made_again_is_empty(
    client: QdrantClient, names: list[str], rng: np.random.Generator
) -> None:
    ensured(client, names[0]).upsert(gallery(rng, 4))
    drop(client, names[0])

    again = ensured(client, names[0], dim=8)

    assert again.count() == 0


def test_every_payload_key_is_indexed_with_its_type(client: QdrantClient, names: list[str]) -> None:
    ensured(client, names[0])

    info = client.get_collection(names[0])

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
