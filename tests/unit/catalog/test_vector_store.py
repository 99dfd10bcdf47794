"""What a collection that the catalogue opens is asked to be."""

from catalog.models import EncoderVersion
from catalog.vector_store import open_index
from vectors.index import CollectionSpec

VERSION = EncoderVersion(collection="regions__fake__v1", dim=4)


def test_a_collection_lies_once_in_one_shard_a_node() -> None:
    assert open_index(VERSION).spec == CollectionSpec("regions__fake__v1", 4, replicas=1)


def test_in_a_cluster_it_has_the_replicas_and_shards_of_the_settings(settings) -> None:
    settings.QDRANT_REPLICATION_FACTOR, settings.QDRANT_SHARD_NUMBER = 2, 6

    spec = open_index(VERSION).spec

    assert (spec.replicas, spec.shards) == (2, 6)
