"""What workers tell of their work: log lines that say whose it is, and figures."""

import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.utils import timezone
from PIL import Image as Pillow
from prometheus_client.parser import text_string_to_metric_families

from catalog import storage
from catalog.models import Image
from config.logs import JsonFormatter, log_context
from jobs.models import JobRecord
from kernel import task_names
from kernel.errors import FileMissing, TransientError
from kernel.task_messages import ComparedRegion, FindCopiesRequest, StoredQuery
from metrics.definitions import counted
from metrics.process_files import ProcessFiles
from search import query_files
from tests.conftest import AddImage
from tests.pictures import GREEN, RED, encoded, numbered, plain
from tests.unit.ml.copies.scenes import scene
from tests.unit.workers.conftest import index_all
from workers import policies
from workers.app import app
from workers.model_pool import Loaded
from workers.own_metrics import listen

pytestmark = pytest.mark.django_db(transaction=True)

NewJob = Callable[..., JobRecord]
ORIGIN = {"request_id": "f00d", "import_id": "1a2b"}


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The lines that are really written with LOG_FORMAT=json."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


def sums() -> dict[str, float]:
    """Every figure by its name and the values of its labels."""
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for metric in counted()
        for sample in metric.samples
        if not sample.name.endswith(("_bucket", "_created"))
    }


def grown(before: dict[str, float]) -> dict[str, float]:
    """How often each thing was counted since then."""
    after = sums()
    growth = {name: value - before.get(name, 0) for name, value in after.items()}
    return {name: by for name, by in growth.items() if by and not name.split()[0].endswith("_sum")}


def run(task: str, **arguments: object) -> Any:
    """Run a task as Celery does in a worker, its signals included."""
    app.loader.import_default_modules()
    return app.tasks[task].apply(kwargs=arguments).get()


def lose_original(image: Image) -> None:
    storage.delete(storage.original_name(image.sha256))


@pytest.fixture
def held(add_image: AddImage, new_job: NewJob) -> Callable[..., tuple[list[Image], JobRecord]]:
    """Images that wait for a job."""

    def held(*pictures: bytes, **fields: object) -> tuple[list[Image], JobRecord]:
        images = [add_image(data) for data in pictures]
        return images, new_job([image.pk for image in images], **fields)

    return held


def test_a_failure_says_which_job_import_and_request_it_belongs_to(
    held: Any, weights: Any, version: Any, lines: Any
) -> None:
    [image], job = held(numbered(1))
    lose_original(image)

    run(task_names.INDEX_IMAGES, image_ids=[str(image.pk)], job_id=str(job.pk), **ORIGIN)

    [failed] = [line for line in lines() if line["message"] == "picture failed"]
    assert (
        failed.items()
        >= {
            **ORIGIN,
            "job_id": str(job.pk),
            "image_id": str(image.pk),
            "code": "storage:ours:file-missing",
        }.items()
    )
    assert log_context.get() is None


def test_a_task_of_nobody_says_nothing_of_the_one_before(
    held: Any, weights: Any, version: Any, lines: Any
) -> None:
    [image], job = held(numbered(1))
    run(task_names.INDEX_IMAGES, image_ids=[], job_id=str(uuid4()), **ORIGIN)
    lose_original(image)

    run(task_names.INDEX_IMAGES, image_ids=[str(image.pk)], job_id=str(job.pk))

    [failed] = [line for line in lines() if line["message"] == "picture failed"]
    assert {"request_id", "import_id"} & failed.keys() == set()


def test_what_threads_write_for_a_search_bears_its_request(
    add_image: AddImage, loaded: Loaded, lines: Any
) -> None:
    picture = encoded(Pillow.fromarray(scene(1)))
    image = add_image(picture)
    index_all([image.pk], loaded)
    region = image.regions.get(kind="whole")
    storage.delete(storage.features_name(image.sha256, region.key))
    lose_original(image)
    query = StoredQuery(query_files.write(picture), image.width, image.height)
    box = (0, 0, image.width, image.height)
    request = FindCopiesRequest(query, (ComparedRegion(box, (region.pk,)),), 1, 30.0)

    run(task_names.FIND_COPIES, **request.to_json(), request_id="f00d")

    [unread] = [line for line in lines() if line["message"] == "candidate cannot be read"]
    assert (unread["request_id"], unread["code"]) == ("f00d", "storage:ours:file-missing")


def test_stages_pictures_and_jobs_are_counted(
    held: Any, weights: Any, version: Any, settings: Any
) -> None:
    settings.ENCODER_BATCH_SIZE = 3
    images, job = held(
        *(plain(RED), plain(GREEN), numbered(1)),
        sent_at=timezone.now() - timedelta(seconds=700),
    )
    lose_original(images[2])
    before = sums()

    ids = [str(image.pk) for image in images]
    run(task_names.INDEX_IMAGES, image_ids=ids, job_id=str(job.pk))

    waited = sums()["semblance_queue_wait_seconds_sum bulk"]
    assert waited - before.get("semblance_queue_wait_seconds_sum bulk", 0) == pytest.approx(
        700, abs=60
    )
    assert grown(before) == {
        "semblance_stage_seconds_count indexing decode": 3,
        "semblance_stage_seconds_count indexing split": 1,
        "semblance_stage_seconds_count indexing detect": 1,
        "semblance_stage_seconds_count indexing embed": 1,
        "semblance_stage_seconds_count indexing extract": 2,
        "semblance_stage_seconds_count indexing upsert": 1,
        "semblance_pictures_indexed_total": 2,
        "semblance_pictures_failed_total storage:ours:file-missing": 1,
        "semblance_jobs_ended_total succeeded ": 1,
        "semblance_queue_wait_seconds_count bulk": 1,
    }


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (FileMissing(), "failed storage:ours:file-missing"),
        (TransientError("encoder:transient:not-chosen"), "waits encoder:transient:not-chosen"),
        (MemoryError(), "crashed "),
    ],
    ids=["ours", "transient", "unexpected"],
)
def test_jobs_that_end_badly_are_counted_by_their_code(
    new_job: NewJob, error: Exception, ending: str
) -> None:
    before = sums()

    with policies.running(new_job().pk):
        raise error

    assert grown(before)[f"semblance_jobs_ended_total {ending}"] == 1


def test_how_long_a_question_waited_is_counted(weights: Any, version: Any, settings: Any) -> None:
    query_id = query_files.write(plain(RED))
    query = StoredQuery(query_id, 60, 40)
    before = sums()

    run(
        task_names.FIND_COPIES,
        **FindCopiesRequest(query, (), 1, 1.0).to_json(),
        asked_at=time.time() - 3,
    )

    name = "semblance_queue_wait_seconds_sum query"
    assert sums()[name] - before.get(name, 0) == pytest.approx(3, abs=2)
    assert grown(before)["semblance_stage_seconds_count query verify"] == 1


def test_a_worker_on_its_own_shows_what_its_processes_count(tmp_path: Any) -> None:
    ProcessFiles(tmp_path).slot()
    server = listen("127.0.0.1", 0, folder=tmp_path, token="a-token-of-this-test")
    assert server is not None
    get = partial(httpx.get, trust_env=False)
    url = f"http://127.0.0.1:{server.server_port}"
    bearer = {"Authorization": "Bearer a-token-of-this-test"}

    shown = get(f"{url}/metrics", headers=bearer)
    refused = [get(f"{url}/metrics"), get(f"{url}/", headers=bearer)]

    assert listen("127.0.0.1", server.server_port, folder=tmp_path, token="another") is None
    server.shutdown()
    server.server_close()
    [memory] = text_string_to_metric_families(shown.text)
    assert memory.name == "semblance_process_memory_bytes"
    assert memory.samples[0].value > 0
    assert [answer.status_code for answer in refused] == [401, 404]
    assert [answer.text for answer in refused] == ["", ""]
