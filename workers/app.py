"""The workers' Celery application: `celery -A workers.app worker -Q query|bulk,maintenance`."""

from typing import Any

from workers.bootstrap import start_django

start_django()

from celery import Celery
from celery.signals import setup_logging, worker_ready
from django.conf import settings

from kernel import task_names
from kernel.task_messages import WarmUpRequest

app = Celery(
    "semblance",
    include=["workers.tasks.query", "workers.tasks.index", "workers.tasks.maintain"],
)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_routes = {name: {"queue": queue} for name, queue in task_names.QUEUES.items()}


@setup_logging.connect
def _keep_django_logging(**_: Any) -> None:
    """Keep the logging that Django's settings configured; Celery would replace it."""


@worker_ready.connect
def _warm_up(sender: Any, **_: Any) -> None:
    """Load the weights now, in the children that need them, not on the first search or import."""
    consumed = sender.app.amqp.queues.consume_from
    for queue, pictures in (("query", 1), ("bulk", settings.ENCODER_BATCH_SIZE)):
        if queue in consumed:
            for _child in range(sender.pool.num_processes):
                request = WarmUpRequest(pictures=pictures, has_hashes=queue == "query")
                app.send_task(task_names.WARM_UP, kwargs=request.to_json(), queue=queue, expires=60)
