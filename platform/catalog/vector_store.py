"""The vector store that the settings name, and collections in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from uuid import uuid4

from django.conf import settings
from qdrant_client import QdrantClient

from catalog.models import EncoderVersion
from vectors.index import CollectionSpec, VectorIndex
from vectors.qdrant import QdrantIndex, connect, drop, list_collections


@cache
def _client() -> QdrantClient:
    """One client a process, made on first use: a connection must not outlive a fork."""
    if settings.QDRANT_URL == ":memory:":  # tests: a store inside this process
        return QdrantClient(":memory:")
    return connect(settings.QDRANT_URL, api_key=settings.QDRANT_API_KEY)


def open_index(version: EncoderVersion) -> VectorIndex:
    """Return the collection of an encoder version; nothing is asked of the store yet."""
    return QdrantIndex(_client(), _spec(version.collection, version.dim))


def _spec(name: str, dim: int) -> CollectionSpec:
    return CollectionSpec(
        name=name,
        dim=dim,
        replicas=settings.QDRANT_REPLICATION_FACTOR,
        shards=settings.QDRANT_SHARD_NUMBER,
    )


def ping() -> None:
    """Ask the store something.

    Raises:
        VectorStoreUnavailable: it does not answer.
        StoreRefused: it lets nobody in with this key.
    """
    list_collections(_client())


@contextmanager
def scratch_index(*, dim: int) -> Iterator[VectorIndex]:
    """Yield an empty collection in the real store, for measuring; it is dropped afterwards."""
    index = QdrantIndex(_client(), _spec(f"scratch__{uuid4().hex}", dim))
    index.ensure()
    try:
        yield index
    finally:
        drop(_client(), index.spec.name)
