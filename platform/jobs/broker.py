"""The Celery application of the web: it sends tasks by name and waits for query results."""

from celery import Celery

# Without what Celery does for Django where it begins to work: it closes the thread's database.
client = Celery("semblance", fixups=[])
client.config_from_object("django.conf:settings", namespace="CELERY")
