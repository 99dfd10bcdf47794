"""The way out of damaged vectors: move the folder away, and `audit --repair` fills a new one."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from PIL import Image as Pillow

from catalog import services, vector_store
from catalog.models import EncoderVersion, Image
from tests import fakes
from tests.conftest import AddImage, Broker
from tests.contract.vector_index.edge_process import EdgeProcess, free_port
from tests.pictures import numbered
from vectors.qdrant import connect
from worker_api.encoders import ensure_collection
from workers.app import app

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where the catalogue looks for its vectors: in a process of this test's own."""
    port = free_port()
    client = connect(f"http://127.0.0.1:{port}")
    monkeypatch.setattr(vector_store, "_client", lambda: client)
    yield port
    client.close()


def audit(*options: str) -> str:
    out = io.StringIO()
    call_command("audit", *options, stdout=out)
    return out.getvalue()


def work(broker: Broker) -> None:
    """Run what waits in the bulk queue."""
    app.loader.import_default_modules()
    for message in broker.take("bulk"):
        app.tasks[message.name](**json.loads(json.dumps(message.arguments)))


def test_a_damaged_store_is_moved_away_and_made_anew(
    tmp_path: Path,
    port: int,
    broker: Broker,
    weights: list[str],
    request: pytest.FixtureRequest,
) -> None:
    data = tmp_path / "vectors"
    with EdgeProcess(data, port):
        version: EncoderVersion = request.getfixturevalue("version")  # makes its collection
        add_image: AddImage = request.getfixturevalue("add_image")
        ids = [add_image(numbered(number)).pk for number in range(3)]
        services.enqueue_indexing(ids)
        work(broker)
        assert "agree" in audit()

    (data / "collections.json").write_text('{"format": 1, "coll')
    assert EdgeProcess(data, port).wait()[0] == 1

    data.rename(tmp_path / "away")
    with EdgeProcess(data, port):
        ensure_collection()  # as every start does
        with pytest.raises(CommandError, match="audit --repair"):
            audit()
        assert "3 indexed images without all their points" in audit("--repair")
        work(broker)

        assert "agree" in audit()
        query = fakes.embed(Pillow.open(io.BytesIO(numbered(0))).convert("RGB"))
        [hits] = vector_store.open_index(version).search(query[None], k=1)
        assert hits[0].image_id == ids[0]
        assert Image.objects.filter(status=Image.Status.INDEXED).count() == 3
