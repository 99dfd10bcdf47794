"""Many write the same images at once: none waits for one that waits for it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from django.db import connection

from catalog import services
from catalog.models import Image
from ingestion.services import start_import, take_in
from ingestion.sources import SourceFile
from kernel.hashing import sha256_hex
from tests.conftest import Broker
from tests.pictures import numbered
from tests.rows import full_images

# Where each write took its rows as they came, PostgreSQL found the first deadlock well within it.
TRIED_S = 4.0
FILES = {sha256_hex(data): data for data in map(numbered, range(128))}

Write = Callable[[list[UUID]], object]


def index(ids: list[UUID]) -> None:
    services.record_indexed(full_images(ids))


def index_again(ids: list[UUID]) -> None:
    services.request_indexing(Image.objects.filter(pk__in=ids))


def index_all_again(_: list[UUID]) -> None:
    services.request_indexing(Image.objects.all())


def update_payloads(_: list[UUID]) -> None:
    services.request_payload_update(Image.objects.all())
    due = services.list_due_payloads(limit=100)
    services.record_payloads({one.image_id: one.changes for one in due})


def take_in_again(ids: list[UUID]) -> None:
    hashes = dict(Image.objects.filter(pk__in=ids).values_list("pk", "sha256"))
    files = [SourceFile("a.png", lambda pk=pk: FILES[hashes[pk]]) for pk in ids]
    list(take_in(start_import("again"), files))


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_writers_of_the_same_images_do_not_wait_for_each_other(media: Path, broker: Broker) -> None:
    files = [SourceFile("a.png", lambda data=data: data) for data in FILES.values()]
    list(take_in(start_import("first"), files))
    ids = list(Image.objects.values_list("pk", flat=True))
    until = time.monotonic() + TRIED_S

    def repeat(write: Write) -> int:
        rng = np.random.default_rng(len(write.__name__))
        written = 0
        try:
            while time.monotonic() < until:
                write([ids[n] for n in rng.permutation(len(ids))[:64]])
                written += 1
        finally:
            connection.close()
        return written

    writes = (
        *(index, index_again, index_all_again, services.enqueue_indexing, take_in_again),
        update_payloads,
    )
    with ThreadPoolExecutor(len(writes)) as pool:
        counts = list(pool.map(repeat, writes))

    assert min(counts) > 0
