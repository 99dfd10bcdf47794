"""Settings for tests: nothing outside a temporary folder, no broker, no vectors process."""

import tempfile
from pathlib import Path

from config.settings import *  # noqa: F403  # all settings, then what tests change

DATA_DIR = Path(tempfile.mkdtemp(prefix="semblance-tests-"))
SECRET_KEY = "tests-only"  # noqa: S105  # signs nothing outside a test run
# DATABASE_URL may name a server: the tests make a database of their own on it.
if env.database.database_url is None:  # noqa: F405
    # A file, not memory: the threads of a live server would share the one connection to that, and
    # SQLite crashes where one closes what another still reads from.
    DATABASES["default"] |= {  # noqa: F405
        "NAME": DATA_DIR / "db.sqlite3",
        "TEST": {"NAME": str(DATA_DIR / "test.sqlite3")},
    }
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "site_http.static_files.DigestedStorage"},
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
SEARCHES_WRITTEN_EVERY_S = None  # no thread outlives a test's database
METRICS_TOKEN = METRICS_DIR = None
EMAIL_HOST = ""
SITE_URL = None
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
