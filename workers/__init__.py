"""Celery workers: they run the models of `ml` for the platform."""
