import logging
import threading
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection
from django.utils import timezone

from catalog.models import Image
from config.logs import log_context
from jobs.models import JobRecord
from jobs.services import DEAD_AFTER_S
from kernel.errors import (
    AppError,
    ConflictError,
    DefectError,
    TransientError,
    UserInputError,
)
from kernel.task_names import DELETE_IMAGES
from ml import errors as ml_errors
from tests.conftest import Broker
from worker_api import images, jobs
from workers.policies import running, translate, translated

State = JobRecord.State


def new_image(number: int = 0) -> Image:
    return Image.objects.create(
        sha256=f"{number:064}", format="png", width=1, height=1, file_bytes=1
    )


# What a failure of the models means


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (ml_errors.UndecodableImage, UserInputError, "image:user:broken"),
        (ml_errors.NotAPicture, UserInputError, "image:user:not-a-picture"),
        (ml_errors.UnsupportedPicture, UserInputError, "image:user:unsupported-format"),
        (ml_errors.TooManyPixels, UserInputError, "image:user:too-many-pixels"),
        (ml_errors.TooManyFrames, UserInputError, "image:user:too-many-frames"),
        (ml_errors.OutOfDeviceMemory, TransientError, "encoder:transient:out-of-memory"),
        (ml_errors.WeightsUnavailable, TransientError, "encoder:transient:weights-unavailable"),
        (ml_errors.DeviceUnavailable, DefectError, "encoder:ours:device-unavailable"),
        (ml_errors.UnknownEncoder, DefectError, "encoder:ours:unknown"),
        (ml_errors.UnknownDetector, DefectError, "detector:ours:unknown"),
        (ml_errors.CheckpointMismatch, DefectError, "encoder:ours:checkpoint-mismatch"),
        (ml_errors.NonFiniteEmbedding, DefectError, "encoder:ours:failed"),
        (ml_errors.MlError, DefectError, "encoder:ours:failed"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_errors_of_the_models_become_ours(
    error: type[ml_errors.MlError], kind: type[AppError], code: str
) -> None:
    ours = translate(error("why"))

    assert (type(ours), ours.code, ours.context) == (kind, code, {"detail": "why"})


def test_every_error_of_the_models_is_a_known_one() -> None:
    kinds = {kind for kind in vars(ml_errors).values() if isinstance(kind, type)}

    assert len(kinds) == 26
    for kind in kinds:
        code = translate(kind("why")).code
        assert code.count(":") == 2


def test_only_errors_of_ours_come_out() -> None:
    with pytest.raises(UserInputError) as caught, translated():
        raise ml_errors.UndecodableImage("cut short")

    assert isinstance(caught.value.__cause__, ml_errors.UndecodableImage)


# How a job ends


@pytest.fixture
def job(transactional_db: None, broker: Broker, new_job) -> JobRecord:
    return new_job([new_image().pk])


def run(job: JobRecord, *, error: BaseException | None = None) -> bool:
    """Run a task's frame around work that ends in `error`; return whether it was to be done."""
    with running(job.pk) as is_ours:
        if is_ours and error is not None:
            raise error
    job.refresh_from_db()
    return is_ours


def test_work_that_ends_well(job: JobRecord) -> None:
    assert run(job)

    assert (job.state, job.error_code, job.deliveries) == (State.SUCCEEDED, "", 1)
    assert job.finished_at >= job.started_at


def test_a_job_that_is_done_is_not_done_again(job: JobRecord) -> None:
    run(job)
    finished_at = job.finished_at

    assert not run(job, error=AssertionError("must not run"))

    assert (job.state, job.finished_at, job.deliveries) == (State.SUCCEEDED, finished_at, 1)


def test_a_job_that_another_worker_holds_is_left_to_it(job: JobRecord) -> None:
    jobs.claim(job.pk)

    assert not run(job)

    assert (job.state, job.deliveries) == (State.RUNNING, 1)


def test_a_job_that_is_not_there_is_nothing_to_do(transactional_db: None) -> None:
    with running(uuid4()) as is_ours:
        assert not is_ours


@pytest.mark.parametrize(
    "error",
    [
        TransientError("vectors:transient:unavailable"),
        ml_errors.WeightsUnavailable("no network"),
    ],
    ids=["ours", "of-the-models"],
)
def test_what_will_pass_takes_the_job_back_to_its_queue(
    job: JobRecord, broker: Broker, error: Exception
) -> None:
    for _ in range(4):
        assert run(job, error=error)

    assert (job.state, job.deliveries, job.tries) == (State.QUEUED, 4, 0)
    assert job.error_code.split(":")[1] == "transient"
    assert Image.objects.get().status == "queued"
    # Not at once: the sweep sends it again.
    assert broker.take("bulk") == []


def test_a_defect_around_the_pictures_is_no_fault_of_theirs(job: JobRecord, broker: Broker) -> None:
    # As when the weights on the disk were exchanged: no picture may pay for it.
    assert run(job, error=DefectError("encoder:ours:weights-changed"))

    assert (job.state, job.error_code) == (State.FAILED, "encoder:ours:weights-changed")
    assert broker.take("bulk") == []
    assert (Image.objects.get().status, Image.objects.get().error_code) == ("queued", "")

    # And once it is mended, they are indexed.
    Image.objects.update(queued_at=timezone.now() - timedelta(seconds=61))
    assert jobs.sweep().requeued_images == 1


@pytest.mark.parametrize(
    "error",
    [KeyError("unforeseen"), SoftTimeLimitExceeded(600), ConflictError("a:conflict:b")],
    ids=["bug", "time-limit", "conflict"],
)
def test_an_unforeseen_end_halves_a_chunk(
    transactional_db: None, broker: Broker, new_job, error: Exception
) -> None:
    ids = [new_image(number).pk for number in range(5)]
    job = new_job(ids)

    assert run(job, error=error)

    assert job.state == State.SPLIT
    halves = [message.arguments["image_ids"] for message in broker.take("bulk")]
    assert halves == [[str(pk) for pk in ids[:2]], [str(pk) for pk in ids[2:]]]


def test_a_picture_that_ends_its_job_three_times_is_given_up(
    job: JobRecord, broker: Broker
) -> None:
    for tries in (1, 2):
        run(job, error=KeyError("unforeseen"))
        assert (job.state, job.deliveries) == (State.QUEUED, tries)
        assert len(broker.take("bulk")) == 1

    run(job, error=KeyError("unforeseen"))

    assert (job.state, job.error_code) == (State.FAILED, "image:ours:gave-up")
    assert broker.take("bulk") == []
    image = Image.objects.get()
    assert (image.status, image.error_code) == ("failed", "image:ours:gave-up")


def test_a_deletion_that_fails_is_tried_three_times_in_a_row(
    transactional_db: None, broker: Broker, new_job
) -> None:
    image = new_image()
    Image.objects.update(status=Image.Status.DELETING)
    job = new_job([image.pk], name=DELETE_IMAGES)
    Image.objects.update(job=job)

    for _ in range(3):
        assert run(job, error=KeyError("unforeseen"))

    assert job.state == State.FAILED
    assert len(broker.take("maintenance")) == 2
    # The image stays hidden, and a later sweep begins anew.
    assert Image.objects.get().status == Image.Status.DELETING
    assert jobs.sweep().requeued_images == 0
    Image.objects.update(queued_at=timezone.now() - timedelta(seconds=61))
    assert jobs.sweep().requeued_images == 1


# A worker that stalls, and whose job went on without it


def take_over(job: JobRecord, broker: Broker) -> None:
    """Let the sweep find the worker silent, and another one claim the job."""
    silent = timezone.now() - timedelta(seconds=DEAD_AFTER_S + 1)
    JobRecord.objects.filter(pk=job.pk).update(heartbeat_at=silent)
    assert jobs.sweep().recovered == 1
    [message] = broker.take(job.queue)
    assert message.arguments["job_id"] == str(job.pk)
    jobs.claim(job.pk)


@pytest.mark.parametrize(
    "error",
    [
        None,
        TransientError("vectors:transient:unavailable"),
        DefectError("encoder:ours:weights-changed"),
        KeyError("unforeseen"),
    ],
    ids=["well", "waiting", "defect", "bug"],
)
def test_a_worker_that_wakes_late_leaves_the_job_to_its_successor(
    job: JobRecord, broker: Broker, error: Exception | None
) -> None:
    with running(job.pk):
        take_over(job, broker)
        if error is not None:
            raise error

    job.refresh_from_db()
    assert (job.state, job.deliveries, job.error_code) == (State.RUNNING, 2, "")
    assert job.finished_at is None
    assert JobRecord.objects.count() == 1
    assert broker.take(job.queue) == []


def test_a_worker_that_wakes_late_leaves_the_halves_of_its_job_alone(
    transactional_db: None, broker: Broker, new_job
) -> None:
    job = new_job([new_image(number).pk for number in range(4)])

    with running(job.pk) as delivery:
        silent = timezone.now() - timedelta(seconds=DEAD_AFTER_S + 1)
        JobRecord.objects.update(heartbeat_at=silent)
        jobs.sweep()
        with pytest.raises(jobs.JobTakenOver):
            images.still_claimed(Image.objects.values_list("pk", flat=True), delivery=delivery)
        raise KeyError("unforeseen")

    job.refresh_from_db()
    assert job.state == State.SPLIT
    assert len(broker.take("bulk")) == 2
    assert set(Image.objects.values_list("status", flat=True)) == {"queued"}


def test_a_job_that_was_taken_over_is_one_line_in_the_log(
    job: JobRecord, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    with running(job.pk) as delivery:
        take_over(job, broker)
        images.still_claimed([], delivery=delivery)

    [line] = [line for line in caplog.records if line.name == "workers.policies"]
    assert (line.levelno, line.message, line.exc_info) == (
        *(logging.WARNING, "job was taken over"),
        None,
    )


def test_an_exit_is_not_held_back(job: JobRecord) -> None:
    # As when the worker is told to stop: the row stays running until its silence is noticed.
    with pytest.raises(SystemExit):
        run(job, error=SystemExit())

    assert JobRecord.objects.get().state == State.RUNNING


def test_the_jobs_id_is_on_every_line_and_on_no_later_one(job: JobRecord) -> None:
    seen = []
    with running(job.pk):
        seen.append(log_context.get())
        raise KeyError

    assert seen == [{"job_id": str(job.pk)}]
    assert log_context.get() is None


def test_a_defect_is_logged_with_its_traceback_and_waiting_is_not(
    job: JobRecord, caplog: pytest.LogCaptureFixture
) -> None:
    run(job, error=TransientError("vectors:transient:unavailable"))
    run(job, error=KeyError("unforeseen"))

    lines = [line for line in caplog.records if line.name == "workers.policies"]
    assert [(line.levelno, line.message) for line in lines] == [
        (logging.WARNING, "job waits"),
        (logging.ERROR, "job failed"),
    ]
    assert lines[0].exc_info is None
    assert lines[1].exc_info[0] is KeyError


# The sign of life


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "HEARTBEAT_S", 0.01)


@pytest.fixture
def shared_connection(transactional_db: None) -> Iterator[None]:
    """The database in memory belongs to one connection; the heartbeat's thread may use it too."""
    connection.inc_thread_sharing()
    yield
    connection.dec_thread_sharing()


def beats(job: JobRecord, *, count: int) -> int:
    """Wait until the heartbeat changed so often, 5 s at most; return how often it did."""
    seen = {job.heartbeat_at}
    deadline = timezone.now() + timedelta(seconds=5)
    while len(seen) <= count and timezone.now() < deadline:
        job.refresh_from_db()
        seen.add(job.heartbeat_at)
        threading.Event().wait(0.005)
    return len(seen) - 1


def test_a_running_job_says_that_it_lives(
    job: JobRecord, often: None, shared_connection: None
) -> None:
    with running(job.pk):
        job.refresh_from_db()
        assert job.heartbeat_at == job.started_at

        assert beats(job, count=3) == 3


def test_a_job_that_ended_says_nothing(
    job: JobRecord, often: None, shared_connection: None
) -> None:
    before = threading.active_count()

    run(job)

    assert threading.active_count() == before


def test_a_job_that_was_taken_over_says_no_more_that_it_lives(
    job: JobRecord, broker: Broker, often: None, shared_connection: None
) -> None:
    before = threading.active_count()
    with running(job.pk):
        take_over(job, broker)

        deadline = timezone.now() + timedelta(seconds=5)
        while threading.active_count() > before and timezone.now() < deadline:
            threading.Event().wait(0.005)
        assert threading.active_count() == before


def test_the_sign_of_life_comes_well_before_a_job_counts_as_dead() -> None:
    assert 3 * jobs.HEARTBEAT_S <= DEAD_AFTER_S
