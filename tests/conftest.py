"""What several suites need: seeded numbers, a storage folder, the queue, a live encoder version."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.conf import settings
from django.utils import translation
from kombu import Connection
from kombu.transport.memory import Transport

from catalog import services, vector_store
from catalog.models import EncoderVersion, Image
from catalog.validation import validate
from deploy.local.children import describe_exit
from jobs.broker import client
from kernel.task_names import QUEUES
from ml.encoders import probe
from tests import fakes
from tests.rows import add_picture
from vectors.index import VectorIndex

AddImage = Callable[..., Image]


def pytest_configure() -> None:
    """Let programs that tests start be interrupted: a shell's `&` has all below it ignore that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that two processes end together."""
    longest = ("test_product.py", "test_whole_way.py")
    items.sort(key=lambda item: item.path.name not in longest)  # stable: else the order stays


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Say how a test process ended that was not told to: xdist itself keeps that for itself."""
    if error is not None:
        process = node.gateway._io.popen  # execnet has no other way to it
        try:
            ended = describe_exit(process.wait(timeout=10))
        except subprocess.TimeoutExpired:
            ended = "hung up, and still runs"
        sys.stderr.write(f"\n{node.gateway.id} {ended}\n")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep this user's caches out of the tests; processes that test side by side share one."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261123)


@pytest.fixture
def use_storage(settings: Any, tmp_path: Path) -> Callable[..., Path]:
    """Keep this test's files in a folder, by a backend with options; returns the folder."""

    def use(backend: str = "catalog.folder_storage.FolderStorage", **options: Any) -> Path:
        folder = tmp_path / "media"
        options = {"location": folder, "allow_overwrite": True} | options
        chosen = {"default": {"BACKEND": backend, "OPTIONS": options}}
        settings.STORAGES = settings.STORAGES | chosen
        return folder

    return use


@pytest.fixture
def media(use_storage: Callable[..., Path]) -> Path:
    """The folder that holds the files of this test, kept as the product keeps them."""
    return use_storage()


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """Begin in the default language: a page leaves its own active for whatever runs next."""
    with translation.override(settings.LANGUAGE_CODE):
        yield


@dataclass(frozen=True, slots=True)
class Message:
    """One message that waits in a queue: the task's name and its keyword arguments."""

    name: str
    arguments: dict[str, Any]


class Broker:
    """The real queues of Celery's memory transport."""

    def __init__(self, connection: Connection) -> None:
        self._channel = connection.default_channel

    def take(self, queue: str) -> list[Message]:
        """Take every message out of a queue, oldest first."""
        taken = []
        while (message := self._get(queue)) is not None:
            _, arguments, _ = message.decode()
            taken.append(Message(message.headers["task"], arguments))
        return taken

    def _get(self, queue: str) -> Any:
        if queue not in self._channel.queues:
            return None
        return self._channel.basic_get(queue, no_ack=True)


@pytest.fixture
def broker() -> Iterator[Broker]:
    """The queues, empty at first."""
    with client.connection_for_read() as connection:
        assert isinstance(connection.transport, Transport)
        queues = Broker(connection)
        for queue in set(QUEUES.values()):
            queues.take(queue)
        yield queues


@pytest.fixture
def version(db: None) -> EncoderVersion:
    """A live encoder version of `fakes.GridEncoder`, in a collection of its own."""
    version = EncoderVersion.objects.create(
        encoder=fakes.SPEC.name,
        choice="grid",
        weights=fakes.SPEC.weights,
        weights_sha256=fakes.SPEC.weights_sha256,
        preprocessing_sha256=fakes.PREPROCESS.sha256(),
        dim=fakes.DIM,
        precision=fakes.SPEC.precision,
        probe=fakes.embed(probe.picture()).tobytes(),
        collection=f"regions__grid__{uuid4().hex}",
        state=EncoderVersion.State.LIVE,
        detector="grid",
        detector_weights_sha256=fakes.GridDetector.spec.weights_sha256,
    )
    vector_store.open_index(version).ensure()
    return version


@pytest.fixture
def index(version: EncoderVersion) -> VectorIndex:
    """The live collection, empty at first."""
    return vector_store.open_index(version)


@pytest.fixture
def add_image(db: None, media: Path) -> AddImage:
    """Add a picture as ingestion does; it stays queued, and `fields` are set on its row."""

    def add(data: bytes, title: str = "", **fields: object) -> Image:
        added = add_picture(validate(data), services.ImageMetadata(title=title))
        Image.objects.filter(pk=added.image_id).update(**fields)
        return Image.objects.get(pk=added.image_id)

    return add
