"""Every figure that web and workers count as they work: its name, its labels, its buckets.

What follows from rows, processes or disks is not counted: `config.monitoring` looks it up when it
is asked. Labels are of few values; ids are for log lines.
"""

import logging
from collections.abc import Iterable
from enum import StrEnum

from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.context_managers import Timer

from metrics.process_files import ProcessFiles

logger = logging.getLogger(__name__)


def _count_in_files() -> ProcessFiles | None:
    """Share this process's figures with those who show them; None where nobody is to see any."""
    if settings.METRICS_DIR is None:
        return None
    try:
        files = ProcessFiles(settings.METRICS_DIR)
        files.count_here()
    except OSError as error:  # a disk that is full stops no search
        logger.warning("this process's figures are kept from others", extra={"reason": str(error)})
        return None
    return files


_FILES = _count_in_files()
_REGISTRY = CollectorRegistry()

# A part of a search takes milliseconds, a search up to SEARCH_TIMEOUT_S, a batch of large pictures
# as long. Twenty seconds and sixty are the limits that people set.
_WORK_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 20, 60)
# A query waits for milliseconds, the last picture of a large import for hours.
_WAIT_S = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 20, 60, 300, 900, 3600, 6 * 3600, 24 * 3600)
# Pages; each takes a series a bucket, and there are some fifty views.
_PAGE_S = (0.01, 0.05, 0.1, 0.3, 1, 5, 20)


class Work(StrEnum):
    """What a worker does with a picture."""

    QUERY = "query"
    INDEXING = "indexing"


REQUESTS = Counter(
    "semblance_http_requests",
    "Requests answered, by the view's name and the status.",
    ("view", "status"),
    registry=_REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "semblance_http_request_seconds",
    "From a request's headers to its answer's.",
    ("view",),
    buckets=_PAGE_S,
    registry=_REGISTRY,
)
SEARCH_SECONDS = Histogram(
    "semblance_search_seconds",
    "Searches, by what was waited for and how they ended: ok, or the error's code.",
    ("wait", "outcome"),
    buckets=_WORK_S,
    registry=_REGISTRY,
)
SEARCHES_IN_FLIGHT = Gauge(
    "semblance_searches_in_flight",
    "Searches that are being worked on.",
    multiprocess_mode="livesum",
    registry=_REGISTRY,
)
_SEARCH_STAGE_SECONDS = Histogram(
    "semblance_search_stage_seconds",
    "Stages of a search as the web waits for them: extract, neighbours, verify.",
    ("stage",),
    buckets=_WORK_S,
    registry=_REGISTRY,
)
_STAGE_SECONDS = Histogram(
    "semblance_stage_seconds",
    "Stages of the workers' work: decode a picture; split, detect, embed and upsert a batch or a "
    "query; extract the features of a region; verify the copies of a query.",
    ("work", "stage"),
    buckets=_WORK_S,
    registry=_REGISTRY,
)
QUEUE_WAIT_SECONDS = Histogram(
    "semblance_queue_wait_seconds",
    "From sending a job or a question to a worker that begins with it.",
    ("queue",),
    buckets=_WAIT_S,
    registry=_REGISTRY,
)
JOBS_ENDED = Counter(
    "semblance_jobs_ended",
    "Tries of jobs: succeeded, waits (for a part that is away), failed, crashed, taken over (by a "
    "later try); with the code.",
    ("outcome", "code"),
    registry=_REGISTRY,
)
PICTURES_INDEXED = Counter(
    "semblance_pictures_indexed", "Pictures that were indexed.", registry=_REGISTRY
)
PICTURES_FAILED = Counter(
    "semblance_pictures_failed",
    "Pictures that could not be indexed, by the error's code.",
    ("code",),
    registry=_REGISTRY,
)
FILES_TAKEN_IN = Counter(
    "semblance_files_taken_in",
    "Files of imports: added, duplicates, binned, failed; with the code of why they were refused.",
    ("result", "code"),
    registry=_REGISTRY,
)


def stage(work: Work, name: str) -> Timer:
    """Return what times one stage of a worker's work, as a context or a decorator."""
    return _STAGE_SECONDS.labels(work, name).time()


def search_stage(name: str) -> Timer:
    """Return what times one stage of a search, as a context or a decorator."""
    return _SEARCH_STAGE_SECONDS.labels(name).time()


def counted() -> Iterable[Metric]:
    """Return all of this: of this machine's processes, or of this one where they share nothing."""
    return _REGISTRY.collect() if _FILES is None else _FILES.collect()
