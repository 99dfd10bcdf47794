"""`/metrics`: what the product measures of itself, for Prometheus.

What all processes counted, and what rows, the kernel and the other parts say when they are asked.
"""

import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta

from django.conf import settings
from django.db import Error as AnyDatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import Metric
from prometheus_client.metrics_core import GaugeMetricFamily

from catalog import selectors as catalog
from config.readiness import READINESS
from jobs import selectors as jobs
from kernel.task_names import QUEUES
from metrics.definitions import counted
from metrics.exposition import CONTENT_TYPE, exposed, is_allowed, memory
from metrics.processes import product_memory, top_process
from site_http.vary import always_same_for_all

logger = logging.getLogger(__name__)

# Rows are counted and parts asked at most this often by each web process, whoever reads how often.
_FRESH_S = 10.0
_DAY = timedelta(days=1)


@always_same_for_all
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with all figures whoever bears METRICS_TOKEN; without one there is no such page."""
    if settings.METRICS_TOKEN is None:
        raise Http404
    if not is_allowed(request.headers.get("Authorization", ""), settings.METRICS_TOKEN):
        response = HttpResponse("the token is missing or wrong", status=401)
        response["WWW-Authenticate"] = "Bearer"
        return response
    return HttpResponse(exposed([*counted(), *kept.get()]), content_type=CONTENT_TYPE)


class _Kept:
    """What was looked up a moment ago."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._figures: tuple[Metric, ...] = ()
        self._until = 0.0

    def get(self) -> tuple[Metric, ...]:
        """Return it, looked up again where it is too old; one thread looks, others wait."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._figures = tuple(_look_up())
                self._until = time.monotonic() + _FRESH_S
            return self._figures

    def forget(self) -> None:
        """Look up anew at the next time."""
        self._until = 0.0


kept = _Kept()


def _look_up() -> Iterator[Metric]:
    parts = {name: code is None for name, code in READINESS.look().items()}
    yield _gauge("semblance_part_up", "Whether a part answers the site.", "part", parts)
    try:
        yield from [*_jobs(), *_images()]
    except AnyDatabaseError:
        logger.warning("figures lack what the database says")
    lock = settings.DATA_DIR / "run" / "supervisor.lock"
    # Started by nobody of ours, the site knows of itself alone.
    yield memory(product_memory(top_process(lock, otherwise=os.getppid())))
    yield from _disk()


def _jobs() -> Iterator[Metric]:
    backlogs = jobs.list_backlogs(frozenset(QUEUES.values()) - {"query"})
    depth = GaugeMetricFamily(
        "semblance_jobs", "Jobs that are not done yet.", labels=("queue", "state")
    )
    for queue, backlog in sorted(backlogs.items()):
        depth.add_metric((queue, "queued"), backlog.queued)
        depth.add_metric((queue, "running"), backlog.running)
    yield depth
    oldest = {queue: backlog.oldest_s for queue, backlog in sorted(backlogs.items())}
    yield _gauge(
        "semblance_oldest_waiting_job_seconds",
        "How long ago the first job that still waits was asked for.",
        "queue",
        oldest,
    )
    yield _gauge(
        "semblance_jobs_failed_last_day",
        "Jobs that failed in the last day, by the error's code.",
        "code",
        jobs.count_failures_by_code(within=_DAY),
    )


def _images() -> Iterator[Metric]:
    yield _gauge(
        "semblance_images", "Images of the catalogue.", "status", catalog.count_by_status()
    )
    yield _gauge(
        "semblance_images_failed",
        "Images that could not be indexed, by the error's code.",
        "code",
        catalog.count_failures_by_code(),
    )


def _disk() -> Iterator[Metric]:
    try:
        usage = shutil.disk_usage(settings.DATA_DIR)
    except OSError:
        return
    yield GaugeMetricFamily(
        "semblance_disk_free_bytes", "Room on the disk of the data folder.", value=usage.free
    )
    yield GaugeMetricFamily(
        "semblance_disk_bytes", "Size of the disk of the data folder.", value=usage.total
    )


def _gauge(name: str, help_text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=(label,))
    for value, figure in values.items():
        family.add_metric((value,), figure)
    return family
