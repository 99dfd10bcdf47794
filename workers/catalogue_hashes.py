"""The PDQ hashes of the whole catalogue, in the memory of a query worker."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ml.copies.lookup import HashLookup
from ml.copies.pdq import NEAR_IDENTICAL_BITS, with_negatives
from ml.rules.hash_distance import MIN_QUALITY
from worker_api import images as catalog
from worker_api.images import CatalogueRegion

_ROWS_AT_ONCE = 500
# A transaction that began earlier may commit a lower number later: after new regions so many ids
# below the greatest are looked through again, so often, until no transaction is that old.
_LATE_ROWS, _LATE_EVERY_S, _LATE_AFTER_S = 10_000, 5.0, 600.0


class CatalogueHashes:
    """Every reliable hash under its region's id. May be used by several threads.

    A region that is gone stays until a lookup meets it, or until there are twice as many hashes as
    at the last check of all: indexing a catalogue again gives all its regions new ids. Those of an
    image in the bin stay: they are found once it is restored.

    Args:
        clock: seconds, of which only differences matter.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._look_for_late_at = self._settles_at = 0.0
        self._is_settled = True
        self._lookup = HashLookup()
        self._greatest = 0
        self._checked_at = 2 * _ROWS_AT_ONCE

    def __len__(self) -> int:
        return len(self._lookup)

    def find_near_identical(
        self, oriented: NDArray[np.uint8], *, limit: int, hidden_albums: Sequence[int] = ()
    ) -> dict[int, CatalogueRegion]:
        """Return the regions near a query, or its negative, by id, the closest.

        Args:
            oriented: (8, 32) uint8, its hashes in all orientations.
            limit: how many at most.
            hidden_albums: ids of albums whose images are left out.
        """
        with self._lock:
            hits = self._lookup.search(with_negatives(oriented), radius_bits=NEAR_IDENTICAL_BITS)
        keys = [hit.key for hit in hits]
        found: dict[int, CatalogueRegion] = {}
        for start in range(0, len(keys), limit):
            some = keys[start : start + limit]
            visible = catalog.find_regions(some)
            if gone := [key for key in some if key not in visible]:
                self._forget(set(gone) - catalog.known_regions(gone))
            hidden = catalog.list_hidden_regions(list(visible), hidden_albums)
            found |= {key: visible[key] for key in some if key in visible and key not in hidden}
            if len(found) >= limit:
                break
        return dict(islice(found.items(), limit))

    def _forget(self, region_ids: set[int]) -> None:
        with self._lock:
            self._lookup.remove(region_ids)

    def refresh(self, *, with_late: bool = False) -> None:
        """Add the regions that were recorded since the last time; without any it is one query.

        One that was committed late is added within a few seconds, or `with_late` at once.
        """
        with self._lock:
            self._refresh(with_late=with_late)

    def _refresh(self, *, with_late: bool) -> None:
        before = self._greatest
        while self._add_next():
            pass
        if self._greatest > before:
            self._is_settled = False
            self._settles_at = self._clock() + _LATE_AFTER_S
        is_due = with_late or self._clock() >= self._look_for_late_at
        if not self._is_settled and is_due:
            self._add_late()
        if len(self._lookup) >= self._checked_at:
            self._lookup.keep(catalog.list_hashed_regions(min_quality=MIN_QUALITY, after=0))
            self._checked_at = 2 * max(len(self._lookup), _ROWS_AT_ONCE)

    def _add_next(self) -> bool:
        """Add what has greater ids than all that are known; return whether there may be more."""
        hashes = catalog.read_hashes_after(
            self._greatest, min_quality=MIN_QUALITY, limit=_ROWS_AT_ONCE
        )
        if hashes:
            self._add(hashes)
            self._greatest = max(hashes)
        return len(hashes) == _ROWS_AT_ONCE

    def _add_late(self) -> None:
        after = self._greatest - _LATE_ROWS
        recent = catalog.list_hashed_regions(min_quality=MIN_QUALITY, after=after)
        late = [region_id for region_id in recent if region_id not in self._lookup]
        for start in range(0, len(late), _ROWS_AT_ONCE):
            self._add(catalog.read_hashes(late[start : start + _ROWS_AT_ONCE]))
        now = self._clock()
        self._look_for_late_at = now + _LATE_EVERY_S
        self._is_settled = now >= self._settles_at

    def _add(self, hashes: Mapping[int, bytes]) -> None:
        if hashes:
            rows = np.frombuffer(b"".join(hashes.values()), np.uint8)
            self._lookup.add(list(hashes), rows.reshape(len(hashes), -1))


@cache
def get() -> CatalogueHashes:
    """Return this process's hashes."""
    return CatalogueHashes()
