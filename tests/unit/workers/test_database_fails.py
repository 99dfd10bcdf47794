"""Workers while SQL is away or locked: nothing is lost, and nothing is blamed on a picture."""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

from jobs.models import JobRecord
from kernel import database
from kernel.task_messages import ExtractQueryRequest, StoredQuery
from kernel.task_names import INDEX_IMAGES
from tests import databases
from worker_api import jobs
from workers.maintenance import Duty, sweep
from workers.policies import running
from workers.tasks import query

State = JobRecord.State


@pytest.fixture(scope="module")
def migrated(tmp_path_factory, django_db_blocker) -> Path:
    with django_db_blocker.unblock():
        return databases.make(tmp_path_factory.mktemp("workers") / "db.sqlite3")


@pytest.fixture
def file(migrated: Path, django_db_blocker) -> Iterator[Path]:
    with django_db_blocker.unblock(), databases.using(migrated):
        JobRecord.objects.all().delete()
        yield migrated


@pytest.fixture
def gone(tmp_path: Path) -> Path:
    return tmp_path / "gone" / "db.sqlite3"


@pytest.fixture
def job(file: Path) -> JobRecord:
    return JobRecord.objects.create(name=INDEX_IMAGES, queue="bulk", arguments={"image_ids": []})


def test_work_that_meets_no_database_goes_back_to_its_queue(job: JobRecord, gone: Path) -> None:
    with running(job.pk) as is_ours, databases.using(gone):
        assert is_ours
        JobRecord.objects.get(pk=job.pk)

    job.refresh_from_db()
    assert (job.state, job.error_code) == (State.QUEUED, "database:transient:away")
    assert job.tries == 0  # no picture pays for it


def test_a_job_begins_once_the_database_takes_changes(file: Path, job: JobRecord) -> None:
    with databases.locked_for(file, seconds=0.7), running(job.pk) as is_ours:
        assert is_ours

    job.refresh_from_db()
    assert (job.state, job.deliveries) == (State.SUCCEEDED, 1)


def test_the_end_of_a_job_waits_until_it_can_be_recorded(file: Path, job: JobRecord) -> None:
    with ExitStack() as lock, running(job.pk):
        lock.enter_context(databases.locked_for(file, seconds=0.7))

    job.refresh_from_db()
    assert job.state == State.SUCCEEDED


def test_a_job_that_cannot_be_claimed_is_left_to_the_sweep(
    file: Path, job: JobRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "OUTAGE_S", 0.2)
    with databases.locked(file), running(job.pk) as is_ours:
        assert not is_ours

    job.refresh_from_db()
    assert job.state == State.QUEUED


def test_a_job_whose_end_cannot_be_recorded_is_left_to_the_sweep(
    file: Path, job: JobRecord, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(database, "OUTAGE_S", 0.2)
    with ExitStack() as lock, running(job.pk):
        lock.enter_context(databases.locked(file))

    job.refresh_from_db()
    assert job.state == State.RUNNING
    assert "job's end is not recorded" in caplog.messages


def test_a_heartbeat_outlives_a_locked_database(
    file: Path, job: JobRecord, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(jobs, "HEARTBEAT_S", 0.01)
    with running(job.pk):
        with databases.locked_for(file, seconds=0.5):
            pass
        locked_until = timezone.now()
        for _ in range(500):
            job.refresh_from_db()
            if job.heartbeat_at > locked_until:
                break
            threading.Event().wait(0.01)

        assert job.heartbeat_at > locked_until
    assert "heartbeat failed" in caplog.messages


@pytest.mark.parametrize("is_locked", [True, False], ids=["locked", "away"])
def test_a_sweep_waits_for_the_next_one(
    file: Path, gone: Path, is_locked, caplog: pytest.LogCaptureFixture
) -> None:
    broken = databases.locked(file) if is_locked else databases.using(gone)
    silent = timezone.now() - timedelta(minutes=5)
    JobRecord.objects.create(
        name="a", queue="maintenance", state=State.RUNNING, heartbeat_at=silent, deliveries=3
    )

    sweeps = Duty(sweep, every_s=10)
    with broken, caplog.at_level(logging.WARNING):
        sweeps.do_once()
    assert [r.code for r in caplog.records if r.message == "maintenance waits"] == [
        "database:transient:locked" if is_locked else "database:transient:away"
    ]

    sweeps.do_once()
    assert JobRecord.objects.get().state == State.FAILED


def test_a_query_is_answered_with_what_is_wrong(file: Path, gone: Path) -> None:
    request = ExtractQueryRequest(StoredQuery(uuid4(), width=60, height=40), box=None)
    with databases.using(gone):
        answer = query.extract_query(**request.to_json())

    assert answer["error"] == "database:transient:away"
