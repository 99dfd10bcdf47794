"""The PDQ hashes of the whole catalogue, in the memory of a query worker."""

from functools import cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ml.copies.lookup import HashHit, HashLookup
from ml.copies.pdq import LEAST_QUALITY, NEAR_IDENTICAL_BITS
from worker_api import images as catalog

_ROWS_AT_ONCE = 50_000


class CatalogueHashes:
    """Every reliable hash under its region's id, brought up to date before each lookup.

    A region that is gone stays until a lookup meets it: then `forget` it. Not for several threads.
    """

    def __init__(self) -> None:
        self._lookup = HashLookup()
        self._greatest = 0

    def find_near_identical(self, oriented: NDArray[np.uint8]) -> list[HashHit]:
        """Return the regions near any of a query's hashes, (8, 32) uint8, the closest first."""
        self.refresh()
        return self._lookup.search(oriented, radius_bits=NEAR_IDENTICAL_BITS)

    def forget(self, region_ids: list[int]) -> None:
        """Drop regions that are not in the catalogue any more."""
        self._lookup.remove(region_ids)

    def refresh(self) -> None:
        """Add the regions that were recorded since the last time."""
        rows = catalog.list_hashed_regions(least_quality=LEAST_QUALITY, after=self._greatest)
        new = (row for row in rows if row.id not in self._lookup)
        while some := list(islice(new, _ROWS_AT_ONCE)):
            hashes = np.frombuffer(b"".join(row.pdq for row in some), np.uint8)
            self._lookup.add([row.id for row in some], hashes.reshape(len(some), -1))
            self._greatest = max(self._greatest, some[-1].id)


@cache
def get() -> CatalogueHashes:
    """Return this process's hashes."""
    return CatalogueHashes()
