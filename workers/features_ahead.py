"""Local features of a query's regions: extracted in threads, ahead of being asked for, and kept."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from kernel.task_messages import StoredQuery
from ml.copies.comparison import QueryCopyFeatures
from ml.types import Box

# Two cores are what a small machine has.
_THREADS = 2
# Regions that are kept, 90 kB each: a person goes on searching with parts of the same picture.
_KEPT = 64


class FeaturesAhead:
    """Extracts each region once, as long as it is kept. Of several threads."""

    def __init__(self, extract: Callable[[StoredQuery, Box], QueryCopyFeatures]) -> None:
        """Begin nothing yet.

        Args:
            extract: returns what is compared of a region; called in other threads.
        """
        self._extract = extract
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="extract-regions")
        self._lock = threading.Lock()
        self._begun: OrderedDict[tuple[StoredQuery, Box], Future[QueryCopyFeatures]] = OrderedDict()

    def begin(self, query: StoredQuery, box: Box) -> Future[QueryCopyFeatures]:
        """Return a region's features, or what will be them; what failed before is tried again."""
        with self._lock:
            future = self._begun.pop((query, box), None)
            if future is None or (future.done() and future.exception() is not None):
                future = self._executor.submit(self._extract, query, box)
            self._begun[query, box] = future
            if len(self._begun) > _KEPT:
                self._begun.popitem(last=False)
            return future

    def begin_in_turn(self, query: StoredQuery, boxes: Sequence[Box]) -> None:
        """Begin regions, each when the last but one before it is done: others' come in between."""
        waiting = deque(boxes)

        def begin_next(_: object = None) -> None:
            if waiting:
                self.begin(query, waiting.popleft()).add_done_callback(begin_next)

        for _ in range(_THREADS):
            begin_next()
