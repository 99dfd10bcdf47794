"""The PDQ hashes of the whole catalogue, in the memory of a query worker."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ml.copies.lookup import HashLookup
from ml.copies.pdq import MIN_QUALITY, NEAR_IDENTICAL_BITS
from worker_api import images as catalog
from worker_api.images import CatalogueRegion

_ROWS_AT_ONCE = 500


class CatalogueHashes:
    """Every reliable hash under its region's id. Not for several threads.

    A region that is gone stays until a lookup meets it, or until there are twice as many hashes as
    at the last check of all: indexing a catalogue again gives all its regions new ids.
    """

    def __init__(self) -> None:
        self._lookup = HashLookup()
        self._greatest = 0
        self._checked_at = 2 * _ROWS_AT_ONCE

    def __len__(self) -> int:
        return len(self._lookup)

    def find_near_identical(
        self, oriented: NDArray[np.uint8], *, limit: int
    ) -> dict[int, CatalogueRegion]:
        """Return the regions near any of a query's hashes, (8, 32) uint8, the closest, by id."""
        while True:
            hits = self._lookup.search(oriented, radius_bits=NEAR_IDENTICAL_BITS)[:limit]
            keys = [hit.key for hit in hits]
            found = catalog.find_regions(keys)
            if len(found) == len(keys):
                return found
            self._lookup.remove(key for key in keys if key not in found)

    def refresh(self) -> None:
        """Add the regions that were recorded since the last time."""
        recent = catalog.list_hashed_regions(min_quality=MIN_QUALITY, after=self._greatest)
        new = [region_id for region_id in recent if region_id not in self._lookup]
        for start in range(0, len(new), _ROWS_AT_ONCE):
            hashes = catalog.read_hashes(new[start : start + _ROWS_AT_ONCE])
            if hashes:
                rows = np.frombuffer(b"".join(hashes.values()), np.uint8)
                self._lookup.add(list(hashes), rows.reshape(len(hashes), -1))
                self._greatest = max(self._greatest, *hashes)
        if len(self._lookup) >= self._checked_at:
            self._lookup.keep(catalog.list_hashed_regions(min_quality=MIN_QUALITY, after=0))
            self._checked_at = 2 * max(len(self._lookup), _ROWS_AT_ONCE)


@cache
def get() -> CatalogueHashes:
    """Return this process's hashes."""
    return CatalogueHashes()
