import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from bench import indexing, searching
from bench.ingesting import IngestFigures
from tests.pictures import RED, plain
from vectors.faiss import FaissIndex
from vectors.index import CollectionSpec

# The vector store beside faiss


def test_faiss_beside_itself_agrees_on_everything() -> None:
    store = FaissIndex(CollectionSpec(name="store", dim=16))
    store.ensure()

    exact, figures = indexing.measure(store, count=500, seed=3)

    assert store.count() == 500
    assert (exact.recall_at_20, figures.recall_at_20) == (1.0, 1.0)
    for row in (exact, figures):
        assert 0 < row.p50_ms <= row.p95_ms
        assert row.upserts_per_s > 0


def test_a_store_that_misses_half_is_seen() -> None:
    class Forgetful(FaissIndex):
        def search(self, queries, *, k, where=None, timeout_s=None):
            return [hits[: k // 2] for hits in super().search(queries, k=k, where=where)]

    store = Forgetful(CollectionSpec(name="store", dim=16))
    store.ensure()

    _, figures = indexing.measure(store, count=100, seed=3)

    assert figures.recall_at_20 == 0.5


def test_the_same_seed_makes_the_same_points() -> None:
    found = []
    for seed in (1, 1, 2):
        store = FaissIndex(CollectionSpec(name="store", dim=8))
        store.ensure()
        indexing.measure(store, count=30, seed=seed)
        found.append(list(store.scroll()))

    assert found[0] == found[1] != found[2]


@pytest.mark.filterwarnings("ignore:Payload indexes", "ignore:Local mode")
def test_the_command_prints_both_stores() -> None:
    out = io.StringIO()

    call_command("bench", "index", "--count", "60", "--dim", "8", stdout=out)

    head, faiss, store = out.getvalue().splitlines()
    assert head == "60 clustered embeddings of 8, top 20, one query at a time"
    assert faiss.startswith("faiss flat, this process")
    assert store.startswith("vector store ")
    assert all("recall@20 1.0000" in line for line in (faiss, store))


# Ingesting


def test_the_ratio_is_against_the_mean_of_before_and_after() -> None:
    figures = IngestFigures(
        pictures=10, indexed=10, ingest_per_s=24, bare_before_per_s=20, bare_after_per_s=40
    )

    assert figures.ratio == pytest.approx(0.8)


# Searching


@pytest.mark.django_db
def test_an_empty_catalogue_cannot_be_searched() -> None:
    with pytest.raises(ValueError, match="no indexed picture"):
        searching.measure("http://127.0.0.1:1", tries=1, seed=0)


@pytest.mark.django_db
def test_a_site_that_does_not_answer_is_said_plainly(add_image) -> None:
    add_image(plain(RED), status="indexed")

    with pytest.raises(CommandError, match="refused"):
        call_command("bench", "search", "--url", "http://127.0.0.1:1")
