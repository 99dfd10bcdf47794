import time
from collections.abc import Iterator

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from celery.exceptions import TaskRevokedError
from django.db import transaction

from config.logs import log_fields
from jobs import dispatch
from jobs.broker import client
from jobs.models import JobRecord
from kernel.errors import DefectError, TransientError
from kernel.task_names import DELETE_IMAGES, EXTRACT_QUERY, INDEX_IMAGES, WARM_UP
from tests.conftest import Broker, Message

# Nobody listens on port 1 of this machine.
NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def broker_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The site's Celery application, but its broker cannot be reached."""
    away = Celery("away", set_as_current=False)
    away.config_from_object("django.conf:settings", namespace="CELERY")
    away.conf.update(broker_url=NOBODY, result_backend=NOBODY)
    monkeypatch.setattr(dispatch, "client", away)


@pytest.mark.django_db(transaction=True)
def test_a_job_is_a_row_and_a_message_with_ids_only(broker: Broker) -> None:
    job = dispatch.enqueue(INDEX_IMAGES, image_ids=["i1", "i2"])

    arguments = {"image_ids": ["i1", "i2"], "job_id": str(job.id)}
    assert broker.take("bulk") == [Message(INDEX_IMAGES, arguments)]
    row = JobRecord.objects.get()
    assert (row.name, row.queue, row.arguments) == (
        INDEX_IMAGES,
        "bulk",
        {"image_ids": ["i1", "i2"]},
    )
    assert (row.state, row.deliveries) == ("queued", 0)
    assert row.sent_at >= row.created_at


@pytest.mark.django_db(transaction=True)
def test_a_job_says_what_asked_for_it_also_when_it_is_sent_again(broker: Broker) -> None:
    with log_fields(request_id="r1", import_id="i1", job_id="another"):
        job = dispatch.enqueue(INDEX_IMAGES, image_ids=[])
    dispatch.send(JobRecord.objects.get())  # as the sweeper does, which belongs to neither

    arguments = {"image_ids": [], "job_id": str(job.id), "request_id": "r1", "import_id": "i1"}
    assert [message.arguments for message in broker.take("bulk")] == [arguments, arguments]


@pytest.mark.django_db(transaction=True)
def test_each_task_has_its_queue(broker: Broker) -> None:
    dispatch.enqueue(DELETE_IMAGES, image_ids=[])

    assert [message.name for message in broker.take("maintenance")] == [DELETE_IMAGES]
    assert broker.take("bulk") == []


@pytest.mark.django_db(transaction=True)
def test_nothing_is_sent_before_the_commit(broker: Broker) -> None:
    with transaction.atomic():
        dispatch.enqueue(INDEX_IMAGES, image_ids=[])
        assert broker.take("bulk") == []

    assert len(broker.take("bulk")) == 1


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_is_rolled_back_sends_nothing(broker: Broker) -> None:
    with transaction.atomic():
        dispatch.enqueue(INDEX_IMAGES, image_ids=[])
        transaction.set_rollback(True)

    assert broker.take("bulk") == []
    assert not JobRecord.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_leaves_the_job_queued(broker_away: None) -> None:
    started = time.perf_counter()

    dispatch.enqueue(INDEX_IMAGES, image_ids=[])

    assert time.perf_counter() - started < 1  # kombu itself goes on for 6 s
    row = JobRecord.objects.get()
    assert (row.state, row.sent_at) == ("queued", None)


def test_waiting_messages_are_counted(broker: Broker) -> None:
    for _ in range(3):
        client.send_task(INDEX_IMAGES, queue="bulk")

    assert dispatch.waiting_messages("bulk") == 3
    assert dispatch.waiting_messages("a-queue-never-written-to") == 0

    broker.take("bulk")
    assert dispatch.waiting_messages("bulk") == 0


def test_messages_of_a_broker_that_is_away_cannot_be_counted(broker_away: None) -> None:
    with pytest.raises(TransientError) as caught:
        dispatch.waiting_messages("bulk")

    assert caught.value.code == "jobs:transient:broker-away"


@client.task(name=WARM_UP, ignore_result=False, shared=False)
def echo(**arguments: object) -> dict[str, object]:
    if arguments.get("fail"):
        raise RuntimeError("no")
    if arguments.get("late"):
        raise TaskRevokedError("expired")  # what a worker answers that comes to it too late
    return arguments


@pytest.fixture(scope="module")
def worker() -> Iterator[None]:
    """A worker thread on the query queue."""
    with start_worker(client, perform_ping_check=False, queues=["query"], shutdown_timeout=30):
        yield


def test_a_question_is_answered(worker: None) -> None:
    before = time.time()

    with log_fields(request_id="r1", job_id="j1"):
        answer = dispatch.ask(WARM_UP, timeout_s=10, query_id="q")

    assert before <= answer.pop("asked_at") <= time.time()
    assert answer == {"query_id": "q", "request_id": "r1"}


def test_a_task_that_fails_unexpectedly_is_our_fault_and_not_the_brokers(worker: None) -> None:
    with pytest.raises(DefectError) as caught:
        dispatch.ask(WARM_UP, timeout_s=10, fail=True)

    assert caught.value.code == "search:ours:task-failed"


def test_a_task_that_a_worker_came_to_too_late_has_no_answer(worker: None) -> None:
    with pytest.raises(TransientError) as caught:
        dispatch.ask(WARM_UP, timeout_s=10, late=True)

    assert caught.value.code == "search:transient:no-answer"


def test_nobody_answers(broker: Broker) -> None:
    # No worker listens to this queue.
    with pytest.raises(TransientError) as caught:
        dispatch.ask(INDEX_IMAGES, timeout_s=0.05)

    assert caught.value.code == "search:transient:no-answer"


def test_a_question_to_a_broker_that_is_away(broker_away: None) -> None:
    with pytest.raises(TransientError) as caught:
        dispatch.ask(EXTRACT_QUERY, timeout_s=10, query_id="q")

    assert caught.value.code == "search:transient:broker-away"
