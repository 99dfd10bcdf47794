"""A worker process of its own: what it has loaded, and jobs for it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from catalog.models import EncoderVersion, Image
from jobs.models import JobRecord
from kernel.task_names import INDEX_IMAGES, QUEUES
from ml.detection import registry as detectors
from ml.encoders import registry
from tests import fakes
from vectors.index import VectorIndex
from worker_api import jobs
from worker_api.encoders import live_encoder
from workers import model_pool
from workers.indexing import index_images
from workers.model_pool import Loaded


@pytest.fixture
def loaded(version: EncoderVersion, index: VectorIndex) -> Loaded:
    """The fake encoder as a worker would have loaded it."""
    return Loaded(live_encoder(), fakes.GridEncoder(), fakes.GridDetector(), index)


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The fake models in the place of the real ones; the names of encoders that were loaded."""
    loaded: list[str] = []

    def load(choice: str, **_: Any) -> fakes.GridEncoder:
        loaded.append(choice)
        return fakes.GridEncoder()

    monkeypatch.setattr(registry, "load", load)
    monkeypatch.setattr(detectors, "load", lambda *_, **__: fakes.GridDetector())
    model_pool._load.cache_clear()
    yield loaded
    model_pool._load.cache_clear()


@pytest.fixture
def new_job(db: None) -> Callable[..., JobRecord]:
    def new_job(
        image_ids: Sequence[UUID] = (), *, name: str = INDEX_IMAGES, **fields: object
    ) -> JobRecord:
        arguments = {"image_ids": [str(image_id) for image_id in image_ids]}
        job = JobRecord.objects.create(name=name, queue=QUEUES[name], arguments=arguments, **fields)
        Image.objects.filter(pk__in=image_ids).update(job=job)
        return job

    return new_job


def index_all(image_ids: Sequence[UUID], loaded: Loaded) -> None:
    """Index those of the images that wait, in a job of their own."""
    job = JobRecord.objects.create(name=INDEX_IMAGES, queue=QUEUES[INDEX_IMAGES])
    Image.objects.filter(pk__in=image_ids).update(job=job)
    index_images(image_ids, loaded, delivery=jobs.claim(job.pk))


def with_encoder(loaded: Loaded, encoder: fakes.GridEncoder) -> Loaded:
    return replace(loaded, encoder=encoder)


def with_detector(loaded: Loaded, detector: fakes.GridDetector) -> Loaded:
    return replace(loaded, detector=detector)


def with_index(loaded: Loaded, index: Any) -> Loaded:
    return replace(loaded, index=index)
