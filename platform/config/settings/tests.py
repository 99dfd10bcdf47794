"""Settings for tests: nothing outside a temporary folder, no broker, no vectors process."""

import tempfile
from pathlib import Path

from config.settings import *  # noqa: F403  # all settings, then what tests change

DATA_DIR = Path(tempfile.mkdtemp(prefix="semblance-tests-"))
SECRET_KEY = "tests-only"  # noqa: S105  # signs nothing outside a test run
# DATABASE_URL may name a server: the tests make a database of their own on it.
if env.database.database_url is None:  # noqa: F405
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_BROKER_URL = "memory://"
CELERY_RESULT_BACKEND = "cache+memory://"
# The memory transport looks for messages only so often: each search would wait for up to a second.
CELERY_BROKER_TRANSPORT_OPTIONS = CELERY_BROKER_TRANSPORT_OPTIONS | {  # noqa: F405
    "polling_interval": 0.02
}
QDRANT_URL = ":memory:"
SEARCH_REQUIRES_LOGIN = False
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
