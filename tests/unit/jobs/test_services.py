from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from jobs import dispatch, services
from jobs.models import Delivery, JobRecord
from jobs.services import Swept
from kernel.errors import ConflictError
from kernel.task_names import INDEX_IMAGES
from tests.conftest import Broker

pytestmark = pytest.mark.django_db(transaction=True)

State = JobRecord.State


def seconds_ago(seconds: float):
    return timezone.now() - timedelta(seconds=seconds)


def leave(_: JobRecord) -> None:
    """A decision about a dead job: none, so that it goes back to its queue."""


@pytest.fixture
def new_job() -> Callable[..., JobRecord]:
    def new_job(**fields: object) -> JobRecord:
        job = JobRecord.objects.create(name=INDEX_IMAGES, queue="bulk", arguments={"n": 1})
        JobRecord.objects.filter(pk=job.pk).update(**fields)
        job.refresh_from_db()
        return job

    return new_job


def test_a_job_is_claimed_by_one_worker(new_job) -> None:
    job = new_job()

    delivery = services.claim(job.pk)
    with pytest.raises(ConflictError) as caught:
        services.claim(job.pk)

    assert delivery == Delivery(job.pk, 1)
    assert caught.value.code == "job:conflict:not-queued"
    job.refresh_from_db()
    assert (job.state, job.deliveries) == (State.RUNNING, 1)
    assert job.started_at == job.heartbeat_at


def test_a_new_try_forgets_the_error_of_the_last(new_job) -> None:
    job = new_job(error_code="storage:transient:unavailable")

    services.claim(job.pk)

    assert JobRecord.objects.get().error_code == ""


@pytest.mark.parametrize("state", [State.RUNNING, State.SUCCEEDED, State.FAILED, State.SPLIT])
def test_only_a_queued_job_can_be_claimed(new_job, state: str) -> None:
    job = new_job(state=state)

    with pytest.raises(ConflictError):
        services.claim(job.pk)

    assert JobRecord.objects.get().state == state


def test_a_job_that_is_not_there_cannot_be_claimed() -> None:
    with pytest.raises(ConflictError):
        services.claim(uuid4())


def test_a_heartbeat_is_only_a_running_jobs(new_job) -> None:
    old = seconds_ago(100)
    running = new_job(state=State.RUNNING, heartbeat_at=old)
    queued = new_job(state=State.QUEUED, heartbeat_at=old)

    assert services.heartbeat(running.delivery)
    assert not services.heartbeat(queued.delivery)

    running.refresh_from_db()
    queued.refresh_from_db()
    assert running.heartbeat_at > seconds_ago(10)
    assert queued.heartbeat_at == old


@pytest.mark.parametrize(
    ("code", "state"), [("", State.SUCCEEDED), ("a:ours:b", State.FAILED)], ids=["well", "badly"]
)
def test_a_job_ends(new_job, code: str, state: str) -> None:
    job = new_job(state=State.RUNNING, error_code="an:earlier:one")

    assert services.finish(job.delivery, error_code=code)

    job.refresh_from_db()
    assert (job.state, job.error_code) == (state, code)
    assert job.finished_at > seconds_ago(10)


def test_a_job_given_back_may_be_claimed_again_and_has_lost_no_try(new_job) -> None:
    job = new_job()
    for number in range(1, services.MAX_TRIES + 2):
        delivery = services.claim(job.pk)
        assert delivery.number == number
        assert services.give_back(delivery, error_code="storage:transient:unavailable")

    job.refresh_from_db()
    assert (job.state, job.tries) == (State.QUEUED, 0)
    assert job.error_code == "storage:transient:unavailable"


def test_only_a_running_job_is_given_back(new_job) -> None:
    job = new_job(state=State.SUCCEEDED, deliveries=1)

    assert not services.give_back(job.delivery, error_code="a:transient:b")

    job.refresh_from_db()
    assert (job.state, job.tries, job.error_code) == (State.SUCCEEDED, 1, "")


@pytest.mark.parametrize("was_given_back", [False, True], ids=["recovered", "given-back"])
@pytest.mark.parametrize(
    "change",
    [
        services.heartbeat,
        services.finish,
        lambda delivery: services.finish(delivery, error_code="a:ours:b"),
        lambda delivery: services.give_back(delivery, error_code="a:transient:b"),
        lambda delivery: services.recover(delivery, on_dead=services.finish_as_split),
    ],
    ids=["heartbeat", "succeed", "fail", "give-back", "recover"],
)
@pytest.mark.parametrize("is_claimed", [False, True], ids=["waiting", "claimed"])
def test_a_delivery_that_is_over_changes_nothing(
    new_job, broker: Broker, change, was_given_back: bool, is_claimed: bool
) -> None:
    job = new_job()
    first = services.claim(job.pk)
    if was_given_back:
        services.give_back(first, error_code="")
    else:
        services.recover(first, on_dead=leave)
        broker.take("bulk")
    if is_claimed:
        assert services.claim(job.pk) != first
    before = JobRecord.objects.values().get()

    assert not change(first)

    assert JobRecord.objects.values().get() == before
    assert broker.take("bulk") == []
    with pytest.raises(services.JobTakenOver):
        services.check(first)


@pytest.mark.parametrize(
    ("fields", "is_lost"),
    [
        pytest.param({"sent_at": 25}, True, id="sent-long-ago"),
        pytest.param({"sent_at": 5}, False, id="just-sent"),
        pytest.param({"created_at": 25}, True, id="never-sent"),
        pytest.param({}, False, id="just-made"),
        pytest.param({"state": State.RUNNING, "sent_at": 25}, False, id="running"),
        pytest.param({"state": State.SUCCEEDED, "sent_at": 25}, False, id="done"),
    ],
)
def test_a_lost_message_is_sent_again(new_job, broker: Broker, fields: dict, is_lost: bool) -> None:
    times = {key: seconds_ago(value) for key, value in fields.items() if key != "state"}
    job = new_job(**{"heartbeat_at": timezone.now()} | fields | times)

    swept = services.sweep(on_dead=leave)

    assert swept == Swept(resent=int(is_lost), recovered=0)
    sent = [message.arguments["job_id"] for message in broker.take("bulk")]
    assert sent == [str(job.pk)] * is_lost


def test_a_job_whose_broker_was_away_is_sent_by_the_sweep(new_job, broker: Broker) -> None:
    job = new_job(created_at=seconds_ago(25), sent_at=None)

    services.sweep(on_dead=leave)

    [message] = broker.take("bulk")
    assert message.arguments == {"n": 1, "job_id": str(job.pk)}
    job.refresh_from_db()
    assert job.sent_at > seconds_ago(10)
    assert services.sweep(on_dead=leave) == Swept(resent=0, recovered=0)


def test_a_long_queue_is_no_loss(new_job, broker: Broker) -> None:
    new_job(sent_at=seconds_ago(3600))
    dispatch.send(new_job())

    swept = services.sweep(on_dead=leave)

    assert swept.resent == 0
    assert len(broker.take("bulk")) == 1


def test_one_full_queue_does_not_hide_the_loss_in_another(new_job, broker: Broker) -> None:
    dispatch.send(new_job())
    lost = new_job(queue="maintenance", sent_at=seconds_ago(25))

    swept = services.sweep(on_dead=leave)

    assert swept.resent == 1
    assert broker.take("maintenance")[0].arguments["job_id"] == str(lost.pk)


def test_a_job_whose_worker_fell_silent_goes_back_to_its_queue(new_job, broker: Broker) -> None:
    dead = new_job(state=State.RUNNING, heartbeat_at=seconds_ago(31), deliveries=1)
    alive = new_job(state=State.RUNNING, heartbeat_at=seconds_ago(20), deliveries=1)

    swept = services.sweep(on_dead=leave)

    assert swept == Swept(resent=0, recovered=1)
    assert [message.arguments["job_id"] for message in broker.take("bulk")] == [str(dead.pk)]
    dead.refresh_from_db()
    alive.refresh_from_db()
    assert (dead.state, alive.state) == (State.QUEUED, State.RUNNING)


def test_who_decides_about_a_dead_job_may_end_it(new_job, broker: Broker) -> None:
    dead = new_job(state=State.RUNNING, heartbeat_at=seconds_ago(31))

    services.sweep(
        on_dead=lambda job: services.finish(job.delivery, error_code="image:ours:gave-up")
    )

    dead.refresh_from_db()
    assert (dead.state, dead.error_code) == (State.FAILED, "image:ours:gave-up")
    assert broker.take("bulk") == []


def test_a_decision_that_fails_changes_nothing(new_job, broker: Broker) -> None:
    def fail(job: JobRecord) -> None:
        services.finish_as_split(job)
        raise KeyError

    dead = new_job(state=State.RUNNING, heartbeat_at=seconds_ago(31))

    with pytest.raises(KeyError):
        services.recover(dead.delivery, on_dead=fail)

    dead.refresh_from_db()
    assert dead.state == State.RUNNING
    assert broker.take("bulk") == []


@pytest.mark.parametrize("state", [State.QUEUED, State.SUCCEEDED, State.FAILED, State.SPLIT])
def test_only_a_running_job_is_recovered(new_job, broker: Broker, state: str) -> None:
    job = new_job(state=state)

    assert services.recover(job.delivery, on_dead=leave) is None
    assert broker.take("bulk") == []


def test_a_worker_that_came_back_to_life_keeps_its_job(new_job, broker: Broker) -> None:
    # Silent when the sweep looked for the dead, claimed anew before it came to this one.
    first = new_job(state=State.RUNNING, heartbeat_at=seconds_ago(40))
    second = new_job(state=State.RUNNING, heartbeat_at=seconds_ago(40))

    def revive_the_other(job: JobRecord) -> None:
        other = second if job.pk == first.pk else first
        services.heartbeat(other.delivery)

    swept = services.sweep(on_dead=revive_the_other)

    assert swept.recovered == 1
    assert len(broker.take("bulk")) == 1


def test_finished_jobs_are_forgotten_after_a_week(new_job) -> None:
    kept = {
        new_job(state=State.SUCCEEDED, finished_at=timezone.now() - timedelta(days=6)).pk,
        new_job(created_at=timezone.now() - timedelta(days=30), sent_at=timezone.now()).pk,
    }
    new_job(state=State.SUCCEEDED, finished_at=timezone.now() - timedelta(days=8))
    new_job(state=State.FAILED, finished_at=timezone.now() - timedelta(days=8))

    services.sweep(on_dead=leave)

    assert set(JobRecord.objects.values_list("pk", flat=True)) == kept
