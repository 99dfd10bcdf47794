"""How many searches there were: counted in memory, and written by the minute in a thread.

No search waits for a row that all of them would change.
"""

import logging
import threading
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Sum
from django.utils import timezone

from kernel.database import translated
from kernel.errors import AppError
from search.models import SearchCount

logger = logging.getLogger(__name__)

_KEPT = timedelta(days=31)


class SearchCounter:
    """What this process has counted and not written yet; it is lost where the process is killed."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._pending = 0

    def add(self) -> None:
        """Count one; the first that waits starts the clock of the next writing."""
        with self._lock:
            self._pending += 1
            is_first = self._pending == 1
        if is_first:
            self._write_later()

    def write(self) -> None:
        """Add what is pending to the row of this hour; where SQL is away, try again later."""
        with self._lock:
            count, self._pending = self._pending, 0
        if not count:
            return
        try:
            with translated():
                _write(count)
        except AppError as error:
            logger.warning("searches are counted later", extra={"code": error.code})
            with self._lock:
                self._pending += count
            self._write_later()

    def _write_later(self) -> None:
        if settings.SEARCHES_WRITTEN_EVERY_S is None:
            return
        timer = threading.Timer(settings.SEARCHES_WRITTEN_EVERY_S, self._write_in_thread)
        timer.daemon = True
        timer.start()

    def _write_in_thread(self) -> None:
        try:
            self.write()
        finally:
            connection.close()  # this thread's own


SEARCHES = SearchCounter()


def count_searches_of_last_day() -> int:
    """Return how many searches there were in the last 24 hours, all hours that began in them."""
    rows = SearchCount.objects.filter(hour__gt=timezone.now() - timedelta(days=1))
    return rows.aggregate(all=Sum("searches"))["all"] or 0


@transaction.atomic
def _write(count: int) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    _row, is_new = SearchCount.objects.get_or_create(hour=hour)
    SearchCount.objects.filter(hour=hour).update(searches=F("searches") + count)
    if is_new:
        SearchCount.objects.filter(hour__lt=hour - _KEPT).delete()
