"""`/metrics`: who may read it, and what it says of rows, searches and requests."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from catalog.models import EncoderVersion, Image
from config import monitoring
from config.readiness import Part, Readiness
from jobs.models import JobRecord
from kernel.errors import TransientError
from kernel.task_names import DELETE_IMAGES, INDEX_IMAGES
from tests.conftest import AddImage
from tests.pictures import numbered
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, RED, encoded, upload

TOKEN = "a-token-of-this-test"
Figures = dict[str, dict[tuple[tuple[str, str], ...], float]]


pytestmark = pytest.mark.usefixtures("media")


@pytest.fixture(autouse=True)
def token(settings: Any) -> Iterator[str]:
    settings.METRICS_TOKEN = TOKEN
    monitoring.kept.forget()
    yield TOKEN
    monitoring.kept.forget()


@pytest.fixture(autouse=True)
def parts(monkeypatch: pytest.MonkeyPatch) -> dict[str, Part]:
    """What the site asks whether it is well: none, unless a test names some.

    The real ones are asked in threads, which have no part in a test's database.
    """
    parts: dict[str, Part] = {}

    class Asked:
        def look(self) -> dict[str, str | None]:
            return Readiness(parts).look()

    monkeypatch.setattr(monitoring, "READINESS", Asked())
    return parts


def read(client: Client) -> Figures:
    """Every sample, by its name and labels, as Prometheus would read the page."""
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    found: Figures = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in found.setdefault(sample.name, {})
            found[sample.name][labels] = sample.value
    return found


def grown(before: Figures, after: Figures, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    """By how much the samples of a name grew, without those that did not."""
    was = before.get(name, {})
    growth = {labels: value - was.get(labels, 0) for labels, value in after[name].items()}
    return {labels: by for labels, by in growth.items() if by}


@pytest.mark.django_db
def test_without_a_token_there_is_no_such_page(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = None

    answer = client.get("/metrics", headers={"Authorization": "Bearer None"})

    assert answer.status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    "authorization",
    [
        *("", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN[:-1]}"),
        *(f"Bearer {TOKEN}x", f"Bearer {TOKEN.upper()}", "Bearer \xe9"),
    ],
)
def test_others_are_refused_wherever_they_say_that_they_come_from(
    client: Client, authorization: str
) -> None:
    headers = {"Authorization": authorization, "X-Forwarded-For": "127.0.0.1"}

    answer = client.get("/metrics", headers=headers)

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert b"semblance" not in answer.content


@pytest.mark.django_db
def test_nothing_is_written(client: Client) -> None:
    answer = client.post("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})

    assert answer.status_code == 405


@pytest.mark.django_db
def test_jobs_that_wait_and_jobs_that_failed(client: Client) -> None:
    now = timezone.now()
    rows = [
        ("bulk", "queued", timedelta(seconds=50), ""),
        ("bulk", "queued", timedelta(seconds=4000), ""),
        ("bulk", "running", timedelta(seconds=9000), ""),
        ("maintenance", "failed", timedelta(hours=2), "encoder:ours:failed"),
        ("maintenance", "failed", timedelta(hours=30), "encoder:ours:failed"),
        ("bulk", "succeeded", timedelta(seconds=1), ""),
    ]
    for queue, state, age, code in rows:
        name = INDEX_IMAGES if queue == "bulk" else DELETE_IMAGES
        job = JobRecord.objects.create(name=name, queue=queue, state=state, error_code=code)
        JobRecord.objects.filter(pk=job.pk).update(created_at=now - age, finished_at=now - age)

    figures = read(client)

    assert figures["semblance_jobs"] == {
        (("queue", "bulk"), ("state", "queued")): 2,
        (("queue", "bulk"), ("state", "running")): 1,
        (("queue", "maintenance"), ("state", "queued")): 0,
        (("queue", "maintenance"), ("state", "running")): 0,
    }
    oldest = figures["semblance_oldest_waiting_job_seconds"]
    assert oldest[("queue", "bulk"),] == pytest.approx(4000, abs=30)
    assert oldest[("queue", "maintenance"),] == 0
    assert figures["semblance_jobs_failed_last_day"] == {(("code", "encoder:ours:failed"),): 1}


@pytest.mark.django_db
def test_images_by_status_and_failures_by_code(client: Client, add_image: AddImage) -> None:
    add_image(numbered(1), status="indexed")
    for seed, code in ((2, "image:user:broken"), (3, "image:user:broken"), (4, "image:ours:lost")):
        add_image(numbered(seed), status="failed", error_code=code)

    figures = read(client)

    assert figures["semblance_images"] == {
        (("status", status),): count
        for status, count in {
            "queued": 0,
            "indexed": 1,
            "failed": 3,
            "deleting": 0,
            "binned": 0,
            "held": 0,
        }.items()
    }
    assert figures["semblance_images_failed"] == {
        (("code", "image:user:broken"),): 2,
        (("code", "image:ours:lost"),): 1,
    }


@pytest.mark.django_db
def test_rows_are_not_counted_at_every_reading(
    client: Client, django_assert_num_queries: Any
) -> None:
    read(client)
    Image.objects.all().delete()

    with django_assert_num_queries(0):
        read(client)


@pytest.mark.django_db
def test_parts_that_answer_and_parts_that_do_not(client: Client, parts: dict[str, Part]) -> None:
    def away() -> None:
        raise TransientError("vectors:transient:unavailable")

    parts["broker"] = Part(lambda: None, silence="jobs:transient:broker-away")
    parts["vectors"] = Part(away, silence="vectors:transient:unavailable")

    assert read(client)["semblance_part_up"] == {
        (("part", "broker"),): 1,
        (("part", "vectors"),): 0,
    }


@pytest.mark.django_db
def test_without_a_database_the_rest_is_said(client: Client) -> None:
    def away(*_: object) -> None:
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(away):
        figures = read(client)

    assert figures["semblance_disk_free_bytes"][()] > 0
    assert "semblance_images" not in figures


@pytest.mark.django_db
def test_requests_are_counted_by_their_view_and_never_by_their_address(client: Client) -> None:
    before = read(client)

    client.get("/healthz")
    client.get("/images/0d1d3a4e-0000-4000-8000-000000000000/")
    client.get("/nowhere/at/all")

    after = read(client)
    assert grown(before, after, "semblance_http_requests_total") == {
        (("status", "200"), ("view", "healthz")): 1,
        (("status", "404"), ("view", "catalog:image")): 1,
        (("status", "404"), ("view", "none")): 1,
        (("status", "200"), ("view", "metrics")): 1,
    }
    assert after["semblance_http_request_seconds_count"][("view", "healthz"),] >= 1


def test_memory_of_this_site_and_room_on_its_disk(db: None, client: Client) -> None:
    figures = read(client)

    assert all(
        dict(labels).keys() == {"process", "number"} and size > 0
        for labels, size in figures["semblance_process_memory_bytes"].items()
    )
    assert figures["semblance_process_memory_bytes"]
    assert 0 < figures["semblance_disk_free_bytes"][()] <= figures["semblance_disk_bytes"][()]


def test_searches_by_their_outcome_and_their_stages(
    client: Client, searchable: Any, version: EncoderVersion, worker: None
) -> None:
    searchable(encoded(RED), "red")
    fake_worker.answer_with(version_id=version.pk)
    before = read(client)

    for wait in ("hits", "proofs"):
        client.post("/", {"picture": upload(encoded(BLUE)), "wait": wait}, follow=True)
    fake_worker.answer_with(version_id=version.pk, error="encoder:transient:out-of-memory")
    client.post("/", {"picture": upload(encoded(BLUE))}, follow=True)

    after = read(client)
    assert grown(before, after, "semblance_search_seconds_count") == {
        (("outcome", "ok"), ("wait", "hits")): 1,
        (("outcome", "ok"), ("wait", "proofs")): 1,
        (("outcome", "encoder:transient:out-of-memory"), ("wait", "proofs")): 1,
    }
    assert grown(before, after, "semblance_search_stage_seconds_count") == {
        (("stage", "extract"),): 3,
        (("stage", "neighbours"),): 2,
        (("stage", "verify"),): 1,
    }
    assert after["semblance_searches_in_flight"][()] == 0
