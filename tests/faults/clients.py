"""Who uses the product meanwhile: one brings pictures in, one searches."""

import queue
import random
import threading
import time
from collections import Counter
from pathlib import Path

import httpx

from tests.faults.product import Product
from tests.integration.product import post_picture

_TIMEOUT_S = 60.0
_PAUSE_S = 0.3


class Searcher:
    """Searches without end, and counts how it is answered."""

    def __init__(self, product: Product, pictures: list[Path]) -> None:
        """Begin."""
        self._product = product
        self._pictures = pictures
        self._is_over = threading.Event()
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._search_on, daemon=True)
        self._thread.start()

    def take(self) -> Counter[str]:
        """Return how searches were answered since the last call: status or "refused" → times."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return counts

    def end(self) -> None:
        """Search no more."""
        self._is_over.set()
        self._thread.join()

    def _search_on(self) -> None:
        draw = random.Random(0)  # noqa: S311  # repeatable
        while not self._is_over.wait(_PAUSE_S):
            answer = self._search(draw.choice(self._pictures).read_bytes())
            with self._lock:
                self._counts[answer] += 1

    def _search(self, picture: bytes) -> str:
        try:
            with httpx.Client(base_url=self._product.url, timeout=_TIMEOUT_S) as client:
                files = {"query.jpg": picture}
                return str(post_picture(client, "/", "picture", files, as_json=True).status_code)
        except (httpx.TransportError, KeyError):  # no cookie where the first page failed
            return "no connection"


class Ingester:
    """Brings folders in, one after another, each again until the command ends well."""

    def __init__(self, product: Product) -> None:
        """Wait for folders."""
        self._product = product
        self._folders: queue.Queue[Path | None] = queue.Queue()
        self.repeats = 0
        self._thread = threading.Thread(target=self._ingest_all, daemon=True)
        self._thread.start()

    def bring(self, folder: Path) -> None:
        """Bring a folder in, after those before."""
        self._folders.put(folder)

    def end(self) -> None:
        """Return when all folders are in."""
        self._folders.put(None)
        self._thread.join()

    def _ingest_all(self) -> None:
        while (folder := self._folders.get()) is not None:
            while self._product.manage("ingest", str(folder)).returncode:
                self.repeats += 1
                time.sleep(1.0)
