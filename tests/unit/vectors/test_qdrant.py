"""What Qdrant is asked for a search."""

from dataclasses import replace

import numpy as np
import pytest
from qdrant_client import QdrantClient

from tests.contract.vector_index.conftest import QUIET_MEMORY_MODE
from tests.contract.vector_index.gallery import DIM, clustered, gallery
from vectors.index import CollectionSpec, Where
from vectors.qdrant import QdrantIndex

pytestmark = QUIET_MEMORY_MODE


@pytest.mark.parametrize(("binned", "filters"), [(0, [None]), (16, [None]), (17, [None, "binned"])])
def test_the_store_is_asked_to_leave_out_the_bin_only_where_that_takes_too_many_places(
    monkeypatch: pytest.MonkeyPatch, binned: int, filters: list[str | None]
) -> None:
    rng = np.random.default_rng(3)
    client = QdrantClient(":memory:")
    index = QdrantIndex(client, CollectionSpec(name="regions", dim=DIM))
    index.ensure()
    query = clustered(rng, 1)
    nearest_first = sorted(gallery(rng, 90), key=lambda point: -float(query[0] @ point.embedding))
    index.upsert(
        [
            replace(point, payload=replace(point.payload, is_binned=rank < binned))
            for rank, point in enumerate(nearest_first)
        ]
    )
    asked = []
    send = client._client.query_batch_points

    def query_batch_points(collection, requests, **options):
        asked.extend(request.filter for request in requests)
        return send(collection, requests, **options)

    monkeypatch.setattr(client._client, "query_batch_points", query_batch_points)

    [found] = index.search(query, k=5, where=Where())

    assert [hit.point_id for hit in found] == [
        point.id for point in nearest_first[binned : binned + 5]
    ]
    assert [one and one.must_not[0].key for one in asked] == filters
