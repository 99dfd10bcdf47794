"""What is begun again and again: `celery -A workers.schedule beat`.

Beat only sends messages: it runs without Django's apps and the models, in half the memory.
"""

import logging.config
from typing import Any

from workers.bootstrap import find_django

find_django()

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

from kernel import task_names

# Without what Celery does for Django, which loads all apps.
app = Celery("semblance-schedule", fixups=[], set_as_current=False)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = {
    name: {
        "task": name,
        "schedule": every_s,
        # An overdue tick is worth nothing: it expires before the next one.
        "options": {"queue": task_names.QUEUES[name], "expires": every_s},
    }
    for name, every_s in ((task_names.SWEEP, 10.0), (task_names.EXPIRE_QUERIES, 600.0))
}


@setup_logging.connect
def _log_as_settings_say(**_: Any) -> None:
    logging.config.dictConfig(settings.LOGGING)
