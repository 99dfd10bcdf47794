"""The two ways to send work: leave it (`enqueue`), or wait for it (`ask`)."""

import logging
import time
from functools import partial
from typing import Any

from celery.exceptions import TaskRevokedError
from celery.exceptions import TimeoutError as CeleryTimeoutError
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import ChannelError, OperationalError
from redis.exceptions import RedisError

from config.logs import carried_fields
from jobs.broker import client
from jobs.models import JobRecord
from kernel.errors import DefectError, TransientError
from kernel.task_names import EXTRACT_QUERY, QUEUES

logger = logging.getLogger(__name__)

# A worker that listens answers in milliseconds.
_PING_S = 0.8


def enqueue(name: str, **arguments: Any) -> JobRecord:
    """Record a job and send its message once the transaction has committed.

    A broker that is away loses nothing: the row stays queued and the sweeper sends it.

    Args:
        name: one of `kernel.task_names`.
        arguments: JSON values only: ids, names, versions.
    """
    arguments = {**arguments, **carried_fields()}
    job = JobRecord.objects.create(name=name, queue=QUEUES[name], arguments=arguments)
    # Robust: SQL that goes away right after the commit must not make it look as if it had failed.
    transaction.on_commit(partial(send, job), robust=True)
    return job


def send(job: JobRecord) -> bool:
    """Hand the message of `job` to the broker; return whether it took it."""
    try:
        client.send_task(
            job.name,
            kwargs={**job.arguments, "job_id": str(job.id)},
            queue=job.queue,
            # Said here, since for a task sent by name the setting does not count: otherwise every
            # job subscribes to its result, and fails in Celery's own way where the broker is away.
            ignore_result=True,
        )
    except (OperationalError, RedisError, OSError) as error:
        logger.warning(
            "broker away, job waits for the sweeper",
            extra={"job_id": str(job.id), "reason": str(error)},
        )
        return False
    JobRecord.objects.filter(pk=job.pk).update(sent_at=timezone.now())
    return True


def ask(name: str, *, timeout_s: float, **arguments: Any) -> dict[str, Any]:
    """Run a task on the query queue and return its result.

    Raises:
        TransientError: "search:transient:no-answer" when no worker answered in `timeout_s`,
            "search:transient:broker-away" when the broker cannot be reached.
        DefectError: "search:ours:task-failed": the task ended in an error that it did not expect.
    """
    arguments = {**arguments, **carried_fields(), "asked_at": time.time()}
    try:
        result = client.send_task(
            name, kwargs=arguments, queue=QUEUES[name], expires=timeout_s, ignore_result=False
        )
        answer = result.get(timeout=timeout_s, interval=0.01, propagate=False)
    except CeleryTimeoutError as error:
        raise TransientError("search:transient:no-answer", timeout_s=timeout_s) from error
    except (OperationalError, RedisError, OSError, RuntimeError) as error:
        # RuntimeError: how Celery says that it cannot listen for results.
        raise TransientError("search:transient:broker-away") from error
    if isinstance(answer, TaskRevokedError):  # a worker came to it when its time was over
        raise TransientError("search:transient:no-answer", timeout_s=timeout_s)
    if isinstance(answer, BaseException):
        raise DefectError("search:ours:task-failed", reason=repr(answer))
    return dict(answer)


def waiting_messages(queue: str) -> int:
    """Return how many messages wait in `queue`; those a worker has taken do not count.

    Raises:
        TransientError: the broker cannot be reached.
    """
    try:
        with client.connection_for_read() as connection:
            declared = connection.default_channel.queue_declare(queue, passive=True)
    except (OperationalError, RedisError, OSError) as error:
        raise TransientError("jobs:transient:broker-away") from error
    except ChannelError:
        return 0  # a queue that was never written to does not exist yet
    return int(declared.message_count)


def ping_broker() -> None:
    """Ask the broker something.

    Raises:
        TransientError: "jobs:transient:broker-away".
    """
    waiting_messages(QUEUES[EXTRACT_QUERY])


def ping_query_worker() -> None:
    """Return once any query worker answers; all of them are named query@<machine>.

    Raises:
        TransientError: "search:transient:no-answer", "search:transient:broker-away".
    """
    try:
        answers = client.control.broadcast(
            "ping", pattern="query@*", matcher="glob", reply=True, limit=1, timeout=_PING_S
        )
    except (OperationalError, RedisError, OSError, RuntimeError) as error:
        raise TransientError("search:transient:broker-away") from error
    if not answers:
        raise TransientError("search:transient:no-answer", timeout_s=_PING_S)
