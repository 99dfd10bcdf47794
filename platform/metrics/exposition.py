"""Figures as a monitoring system reads them, and who may read them."""

import hmac
from collections import Counter
from collections.abc import Iterable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from metrics.processes import ProcessMemory

CONTENT_TYPE = CONTENT_TYPE_LATEST


class _Collected(Collector):
    """Figures that are at hand."""

    def __init__(self, figures: Iterable[Metric]) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        return self._figures


def exposed(figures: Iterable[Metric]) -> bytes:
    """Return figures in Prometheus's text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(tuple(figures)))
    return generate_latest(registry)


def memory(processes: Iterable[ProcessMemory]) -> Metric:
    """Return what each process takes; those of a kind are numbered, the parent is 0."""
    family = GaugeMetricFamily(
        "semblance_process_memory_bytes",
        "Proportional set size of each process: of pages that several share, its part.",
        labels=("process", "number"),
    )
    numbers: Counter[str] = Counter()
    for process in processes:
        family.add_metric((process.role, str(numbers[process.role])), process.pss_bytes)
        numbers[process.role] += 1
    return family


def is_allowed(authorization: str, token: str) -> bool:
    """Return whether a request's Authorization header bears the token."""
    scheme, _, given = authorization.partition(" ")
    is_bearer = scheme.lower() == "bearer"
    # Compared in any case, and in the same time whatever is given.
    return hmac.compare_digest(given.strip().encode(), token.encode()) and is_bearer
