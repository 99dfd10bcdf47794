"""The backends: each test that asks for ``index`` runs once on every one of them."""

import os
from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
import pytest
from qdrant_client import QdrantClient

from tests.contract.vector_index.edge_process import EdgeProcess
from tests.contract.vector_index.gallery import DIM, gallery
from vectors.faiss import FaissIndex
from vectors.index import CollectionSpec, Point, VectorIndex
from vectors.qdrant import QdrantIndex, connect, drop

# qdrant-client's memory mode says of each setting that it is too small to need it.
QUIET_MEMORY_MODE = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact"),
]

# A server joins where one is named; it is asked exactly what the others are.
_QDRANT_BACKENDS = ["memory", "edge", *(["server"] if os.environ.get("QDRANT_URL") else [])]
_numbers = count(1)

NewIndex = Callable[..., VectorIndex]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240517)


@pytest.fixture(scope="session")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeProcess]:
    """One running store for all tests that do not end it."""
    with EdgeProcess(tmp_path_factory.mktemp("vectors")) as process:
        yield process
        status, errors = process.end()
    assert (status, "Traceback" in errors) == (0, False), errors


def _client(backend: str, request: pytest.FixtureRequest) -> QdrantClient:
    if backend == "memory":
        return QdrantClient(":memory:")
    if backend == "edge":
        return connect(request.getfixturevalue("edge").url)
    return connect(os.environ["QDRANT_URL"], os.environ.get("QDRANT_API_KEY"))


@pytest.fixture(scope="module", params=_QDRANT_BACKENDS)
def client(request: pytest.FixtureRequest) -> Iterator[QdrantClient]:
    """A client of each backend that is a Qdrant."""
    client = _client(request.param, request)
    yield client
    client.close()


@pytest.fixture(scope="module", params=[*_QDRANT_BACKENDS, "faiss"])
def new_index(request: pytest.FixtureRequest) -> Iterator[NewIndex]:
    """A function that makes an index over a new, not yet ensured collection."""
    if request.param == "faiss":
        yield lambda dim=DIM: FaissIndex(CollectionSpec(new_name(), dim))
        return
    client = _client(request.param, request)
    names: list[str] = []

    def make(dim: int = DIM) -> VectorIndex:
        names.append(new_name())
        return QdrantIndex(client, CollectionSpec(names[-1], dim))

    yield make
    for name in names:
        drop(client, name)
    client.close()


@pytest.fixture
def index(new_index: NewIndex) -> VectorIndex:
    """An empty index."""
    index = new_index()
    index.ensure()
    return index


@pytest.fixture(scope="module")
def points() -> list[Point]:
    return gallery(np.random.default_rng(7), 600)


@pytest.fixture(scope="module")
def filled(new_index: NewIndex, points: list[Point]) -> VectorIndex:
    """An index that holds ``points``; for tests that only read."""
    index = new_index()
    index.ensure()
    index.upsert(points)
    return index


def new_name() -> str:
    return f"contract__{os.getpid()}__v{next(_numbers)}"
