"""Settings of workers and maintenance: the apps whose rows they read, none that only pages need.

The admin and its parts alone are 40 MB in each process.
"""

from config.settings import *  # noqa: F403 - the same settings but for what follows
from config.settings import CELERY_BROKER_TRANSPORT_OPTIONS as _OF_THE_SITE
from config.settings import DATABASES as _DATABASES_OF_THE_SITE

# Nobody waits, and on a busy machine an answer takes its time.
CELERY_BROKER_TRANSPORT_OPTIONS = {**_OF_THE_SITE, "socket_timeout": 20}
CELERY_REDIS_SOCKET_TIMEOUT = 20
_database = _DATABASES_OF_THE_SITE["default"]
if _database["ENGINE"].endswith("sqlite3"):
    _database = {**_database, "OPTIONS": {**_database["OPTIONS"], "timeout": 30}}
DATABASES = {"default": _database}

# Also those whose rows go with an image, or with time: who deletes one has to know of them.
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "audit_log",
    "jobs",
    "catalog",
    "ingestion",
    "search",
    "review",
    "watches",
    "api",
]
