from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
from qdrant_client import QdrantClient

from tests.contract.vector_index.conftest import QUIET_MEMORY_MODE
from tests.contract.vector_index.gallery import DIM, gallery
from vectors.index import CollectionSpec
from vectors.qdrant import QdrantIndex
from vectors.schema import payload_to_dict

pytestmark = QUIET_MEMORY_MODE


def test_a_time_is_stored_in_utc(rng: np.random.Generator) -> None:
    [point] = gallery(rng, 1)
    tokyo = datetime(2031, 2, 3, 4, 5, 6, 789, tzinfo=timezone(timedelta(hours=9)))

    stored = payload_to_dict(replace(point.payload, created_at=tokyo))

    assert stored["created_at"] == "2031-02-02T19:05:06.000789+00:00"


def test_points_of_a_later_releases_kind_do_not_end_a_search(rng: np.random.Generator) -> None:
    index = QdrantIndex(QdrantClient(":memory:"), CollectionSpec("regions__fake__v1", DIM))
    index.ensure()
    known, later = gallery(rng, 2)
    index.upsert([known, replace(later, payload=replace(later.payload, kind="face"))])

    [found] = index.search(later.embedding[np.newaxis], k=2)

    assert [hit.point_id for hit in found] == [known.id]
