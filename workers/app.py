"""The workers' Celery application: `celery -A workers.app worker -Q query|bulk,maintenance`."""

import time
from collections.abc import Mapping
from typing import Any

from workers.bootstrap import start_django

start_django()

from celery import Celery
from celery.signals import setup_logging, task_postrun, task_prerun, worker_ready
from celery.utils.nodenames import worker_direct
from django.conf import settings
from django.db import close_old_connections

from config.logs import carried_fields, log_context
from kernel import task_names
from kernel.task_messages import WarmUpRequest

app = Celery(
    "semblance",
    # Without what Celery does for Django, which opens the database anew for each task.
    fixups=[],
    include=["workers.tasks.query", "workers.tasks.index"],
)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_routes = {name: {"queue": queue} for name, queue in task_names.QUEUES.items()}


@setup_logging.connect
def _keep_django_logging(**_: Any) -> None:
    """Keep the logging that Django's settings configured; Celery would replace it."""


@task_prerun.connect
def _begin(task: Any, kwargs: Mapping[str, Any], **_: Any) -> None:
    """Have this task's lines say what it belongs to, and count how long a question waited."""
    log_context.set(carried_fields(kwargs))
    if "asked_at" in kwargs:
        from metrics.definitions import QUEUE_WAIT_SECONDS

        waited_s = max(0.0, time.time() - kwargs["asked_at"])
        QUEUE_WAIT_SECONDS.labels(task_names.QUEUES[task.name]).observe(waited_s)


@task_postrun.connect
def _end(**_: Any) -> None:
    log_context.set(None)


@task_prerun.connect
@task_postrun.connect
def _close_old_connections(**_: Any) -> None:
    """Keep a thread's connection to the database for its next task, unless it is broken or old."""
    close_old_connections()


@worker_ready.connect
def _get_ready(sender: Any, **_: Any) -> None:
    """Load the weights now, in the children that need them, not on the first search or import."""
    folder, token = settings.METRICS_DIR, settings.METRICS_TOKEN
    if settings.METRICS_PORT is not None and folder is not None and token is not None:
        from workers.own_metrics import listen

        listen(settings.METRICS_HOST, settings.METRICS_PORT, folder=folder, token=token)
    consumed, own = sender.app.amqp.queues.consume_from, worker_direct(sender.hostname)
    for queue, pictures in (("query", 1), ("bulk", settings.ENCODER_BATCH_SIZE)):
        if queue in consumed:
            for _child in range(sender.pool.num_processes):
                request = WarmUpRequest(pictures=pictures, has_hashes=queue == "query")
                app.send_task(task_names.WARM_UP, kwargs=request.to_json(), queue=own, expires=60)
