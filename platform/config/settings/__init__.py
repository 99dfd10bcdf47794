"""Django's settings, from the environment (`config.env`)."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import dj_database_url
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from config.env import ROOT, read_env
from config.logs import logging_config
from config.secret import read_or_create_secret_key

env = read_env()

DATA_DIR = env.data_dir
# Made at its first use, not while settings are read: who sets another one makes no file.
SECRET_KEY: Any = (
    env.site.secret_key.get_secret_value()
    if env.site.secret_key
    else SimpleLazyObject(partial(read_or_create_secret_key, DATA_DIR / "secret_key"))
)
DEBUG = env.site.debug
ALLOWED_HOSTS = list(env.site.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(env.site.csrf_trusted_origins)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.site.secure_cookies

INSTALLED_APPS = [
    "unfold",  # before the admin, whose templates it replaces
    "unfold.contrib.filters",
    # Before axes, which the admin loads: it hears of the failure after which axes refuses.
    "audit_log",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "accounts",
    "site_http",  # no models: the templates and files that all pages share
    "jobs",
    "catalog",
    "ingestion",
    "search",
    "review",
    "watches",
    "api",
    "bench",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.HeadMiddleware",
    "site_http.static_files.StaticFilesMiddleware",
    "site_http.compression.CompressionMiddleware",
    "site_http.vary.VaryMiddleware",
    "config.middleware.RequestIdMiddleware",
    "config.request_metrics.RequestMetricsMiddleware",
    "config.middleware.ContentSecurityPolicyMiddleware",
    "api.middleware.ApiMiddleware",
    "config.middleware.JsonErrorMiddleware",
    "config.middleware.NoNulMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.middleware.BodyLimitMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.middleware.ErrorPageMiddleware",
    "axes.middleware.AxesMiddleware",  # last: it answers instead of the page that refused
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Before the apps': the admin's templates that are ours instead of Unfold's.
        "DIRS": [ROOT / "platform" / "site_http" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

_SQLITE_OPTIONS = {
    # Writers wait for each other instead of failing, here while a person waits; a deferred
    # transaction that turns into a write cannot wait, so every one starts as a writer.
    "timeout": 5,
    "transaction_mode": "IMMEDIATE",
    # WAL: readers never wait. NORMAL loses no committed row when a process dies.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}


def _database() -> dict[str, Any]:
    url = env.database.database_url
    if url is None:
        config: dict[str, Any] = {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "db.sqlite3",
        }
    else:
        config = dict(dj_database_url.parse(url.get_secret_value(), conn_health_checks=True))
    if config["ENGINE"].endswith("sqlite3"):
        config["OPTIONS"] = _SQLITE_OPTIONS
    else:  # else a machine that is gone is waited for by minutes
        config["OPTIONS"] = {"connect_timeout": 3} | config.get("OPTIONS", {})
    config["CONN_MAX_AGE"] = 60
    return config


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if env.storage.s3_bucket:
    _media: dict[str, Any] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": env.storage.s3_bucket,
            "endpoint_url": env.storage.s3_endpoint_url,
            "region_name": env.storage.s3_region,
            # Keys are content hashes: the same name is the same file.
            "file_overwrite": True,
            "default_acl": None,
        },
    }
else:
    _media = {
        "BACKEND": "catalog.folder_storage.FolderStorage",
        "OPTIONS": {
            "location": DATA_DIR / "media",
            "allow_overwrite": True,
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    }
# Also of buckets that pictures are taken from.
S3_ENDPOINT_URL = env.storage.s3_endpoint_url
S3_REGION = env.storage.s3_region
STORAGES = {
    "default": _media,
    "staticfiles": {"BACKEND": "site_http.static_files.DigestedStorage"},
}
STATIC_URL = "/static/"
# Static files are served from the packages that carry them: no collectstatic step to forget.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600
WHITENOISE_ROOT = ROOT / "platform" / "site_http" / "root"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ru", _("Russian"))]
LOCALE_PATHS = [ROOT / "platform" / "config" / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "search:page"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesBackend",  # refuses who failed too often, before a password is looked at
    "django.contrib.auth.backends.ModelBackend",
]
# Failed log-ins are counted by name and address together: by name alone, anybody could lock its
# owner out from elsewhere (docs/threat-model.md). Rows older than the pause go at each log-in.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
# The pause ends, however often somebody tries meanwhile.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "site_http.callers.caller_address"
AXES_LOCKOUT_CALLABLE = "config.login_limits.too_many_failures"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False  # `manage.py axes_reset` forgives
AXES_VERBOSE = False
CSRF_FAILURE_VIEW = "config.error_pages.no_csrf_token"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# One picture a form field, a folder's worth a form; larger bodies are refused before parsing.
DATA_UPLOAD_MAX_NUMBER_FILES = 1_000
# A picture may have thousands of tags, and its form sends each; a body of fields has 2.5 MB anyway.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

UPLOAD_MAX_BYTES = env.uploads.max_bytes
UPLOAD_MAX_FORM_BYTES = max(env.uploads.max_form_bytes, UPLOAD_MAX_BYTES)
UPLOAD_MAX_PIXELS = env.uploads.max_pixels
UPLOAD_MAX_FRAMES = env.uploads.max_frames
BIN_RETENTION_DAYS = env.retention.bin_retention_days
AUDIT_LOG_RETENTION_DAYS = env.retention.audit_log_retention_days
FETCH_TIMEOUT_S = env.fetching.timeout_s
FETCH_ALLOWED_NETWORKS = env.fetching.allowed_networks
SITE_URL = env.mail.site_url
_mail = env.mail.server
EMAIL_HOST = "" if _mail is None else _mail.host  # "": there are no e-mails
EMAIL_PORT = 25 if _mail is None else _mail.port
EMAIL_HOST_USER = "" if _mail is None else _mail.user
EMAIL_HOST_PASSWORD = "" if _mail is None else _mail.password
EMAIL_USE_SSL = _mail is not None and _mail.has_tls_at_once
EMAIL_USE_TLS = _mail is not None and _mail.has_tls_later
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.mail.email_from
INGEST_MAX_WAITING = env.ingest.max_waiting
INGEST_ROOTS: tuple[Path, ...] = env.ingest.roots
SEARCH_REQUIRES_LOGIN = env.search.requires_login
SEARCH_TIMEOUT_S = env.search.timeout_s
SEARCH_NEIGHBOURS = env.search.neighbours
SEARCH_MIDDLE = env.search.middle
SEARCHES_IN_FLIGHT = env.search.in_flight
SEARCH_FETCHES_IN_FLIGHT = env.search.fetches_in_flight
SEARCH_FETCHES_PER_MINUTE = env.search.fetches_per_minute
# A search leaves its count to a thread that writes so often, where there were any.
SEARCHES_WRITTEN_EVERY_S: float | None = 60.0
QUERIES_MAX_BYTES = env.search.kept_bytes
SAVED_SEARCHES_MAX = env.search.saved_max
# What may be asked in a minute, or kept in an hour: of a visitor, of an account or token; 0 is no
# limit. `site_http.limits` says what the words are.
LIMITS = {
    "searches": (env.limits.searches, env.limits.account_searches),
    "fetches": (env.limits.fetches, env.limits.account_fetches),
    "uploads": (0, env.limits.account_uploads),
    "kept-bytes": (env.limits.kept_bytes, env.limits.account_kept_bytes),
    "unknown-tokens": (env.limits.unknown_tokens, 0),
}
LIMITS_AT_ONCE = {
    "searches": (env.limits.searches_at_once, env.limits.account_searches_at_once),
}
QDRANT_URL = env.vectors.url
QDRANT_API_KEY = env.vectors.api_key
QDRANT_REPLICATION_FACTOR = env.vectors.qdrant_replication_factor
QDRANT_SHARD_NUMBER = env.vectors.qdrant_shard_number
ENCODER = env.worker.encoder
DETECTOR = env.worker.detector
ENCODER_DEVICE = env.worker.device
ENCODER_BATCH_SIZE = env.worker.encoder_batch_size
WORKER_THREADS = env.worker.worker_threads
MODELS_DIR: Path = env.paths.models

# Hard limit = 1.2 × soft; the broker hands a task out again only after the hard limit is over.
_SOFT_LIMIT_S = 600
CELERY_BROKER_URL = env.queue.url
CELERY_RESULT_BACKEND = env.queue.url
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 3
# A broker that is stopped takes connections and says nothing: a person who searches waits for this,
# a message and two questions for its result.
_BROKER_SILENCE_S = 3
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, float] = {
    "visibility_timeout": 2 * _SOFT_LIMIT_S,
    "socket_connect_timeout": 3,
    "socket_timeout": _BROKER_SILENCE_S,
    # Else every message to a broker that is away is tried for 6 s, while a person waits.
    "max_retries": 0,
}
CELERY_REDIS_SOCKET_CONNECT_TIMEOUT = 3
CELERY_REDIS_SOCKET_TIMEOUT = _BROKER_SILENCE_S
# Celery's own policy goes on for 20 s; a person who searches is told at once.
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {
    "retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0.2},
}
# A dead broker is said to the caller at once; the sweeper sends again what was not sent.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_RESULT_EXPIRES = 60
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = _SOFT_LIMIT_S
CELERY_TASK_TIME_LIMIT = round(1.2 * _SOFT_LIMIT_S)
CELERY_TASK_DEFAULT_QUEUE = "maintenance"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Each worker has a queue of its own, for what is meant for it alone: its warm-up.
CELERY_WORKER_DIRECT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False

METRICS_TOKEN = None if env.metrics.token is None else env.metrics.token.get_secret_value()
METRICS_DIR = env.metrics_dir
METRICS_HOST = env.metrics.host
METRICS_PORT = env.metrics.port

LOGGING = logging_config(style=env.logging.format, level=env.logging.level)


def _static(name: str) -> Callable[[HttpRequest], str]:
    """Return what tells Unfold the address of a static file: apps are not ready here yet."""
    return lambda request: static(name)


UNFOLD = {
    "SITE_TITLE": "Semblance",
    "SITE_HEADER": "Semblance",
    "SITE_SYMBOL": "image_search",
    "DASHBOARD_CALLBACK": "config.dashboard.show",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": _static("semblance/icon.svg")},
    ],
    "STYLES": [_static("semblance/admin.css")],
    "SCRIPTS": [_static("semblance/admin.js")],
    # The accent of the public pages (site.css), from light to dark.
    "COLORS": {
        "primary": {
            "50": "#f3f4fd",
            "100": "#e5e8fb",
            "200": "#ccd2f7",
            "300": "#a9b3f0",
            "400": "#8290e8",
            "500": "#5f6fdd",
            "600": "#4150c8",
            "700": "#3541a6",
            "800": "#2c3684",
            "900": "#252e68",
            "950": "#181d42",
        },
    },
    "SIDEBAR": {"show_search": False, "navigation": "config.navigation.sidebar"},
}
