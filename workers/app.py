"""The workers' Celery application: `celery -A workers.app worker -Q query|bulk,maintenance`."""

from typing import Any

from workers.bootstrap import start_django

start_django()

from celery import Celery
from celery.signals import setup_logging, task_postrun, task_prerun, worker_ready
from celery.utils.nodenames import worker_direct
from django.conf import settings
from django.db import close_old_connections

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
@task_postrun.connect
def _close_old_connections(**_: Any) -> None:
    """Keep a thread's connection to the database for its next task, unless it is broken or old."""
    close_old_connections()


@worker_ready.connect
def _warm_up(sender: Any, **_: Any) -> None:
    """Load the weights now, in the children that need them, not on the first search or import."""
    consumed, own = sender.app.amqp.queues.consume_from, worker_direct(sender.hostname)
    for queue, pictures in (("query", 1), ("bulk", settings.ENCODER_BATCH_SIZE)):
        if queue in consumed:
            for _child in range(sender.pool.num_processes):
                request = WarmUpRequest(pictures=pictures, has_hashes=queue == "query")
                app.send_task(task_names.WARM_UP, kwargs=request.to_json(), queue=own, expires=60)
