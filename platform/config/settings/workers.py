"""Settings of workers and beat: the apps whose rows they read, and none that only pages need.

The admin and its parts alone are 40 MB in each process.
"""

from config.settings import *  # noqa: F403 - the same settings but for what follows

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "jobs",
    "catalog",
    "ingestion",
]
