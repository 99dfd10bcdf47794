"""The Celery application of the web: it sends tasks by name and waits for query results."""

from celery import Celery

client = Celery("semblance")
client.config_from_object("django.conf:settings", namespace="CELERY")
