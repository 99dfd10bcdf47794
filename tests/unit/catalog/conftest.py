from collections.abc import Callable

import pytest

from catalog.models import Image
from jobs.models import JobRecord
from kernel.task_names import INDEX_IMAGES
from tests.conftest import Broker
from tests.rows import new_images


@pytest.fixture
def image_in_job(broker: Broker) -> Callable[..., Image]:
    """One image whose row, job and times are set as told."""

    def make(job_state: str | None, **fields: object) -> Image:
        [image_id] = new_images(1)
        job = None
        if job_state is not None:
            job = JobRecord.objects.create(name=INDEX_IMAGES, queue="bulk", state=job_state)
        Image.objects.filter(pk=image_id).update(job=job, **fields)
        return Image.objects.get()

    return make
