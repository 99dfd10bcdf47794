"""Which of a million hashes are within a few bits of these."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from ml.copies.pdq import HASH_BITS
from ml.rules.hash_distance import HASH_BYTES


@dataclass(frozen=True, slots=True)
class HashHit:
    """A hash within the radius.

    Attributes:
        key: what it was added under.
        bits: how many of the 256 differ.
        query: the index, among the hashes asked with, of the closest one.
    """

    key: int
    bits: int
    query: int


class HashLookup:
    """Hashes in memory under whole numbers, searched exactly.

    All are compared, 64 bits an instruction: 0.8 ms for eight hashes among 100,000 and 8 ms among
    a million, on one core. Hash tables over bands of bits gained nothing at either size, and take
    no removals.

    It keeps nothing on disk, and is not for several threads at once.
    """

    def __init__(self) -> None:
        self._index = faiss.IndexBinaryIDMap2(faiss.IndexBinaryFlat(HASH_BITS))
        self._keys: set[int] = set()

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: int) -> bool:
        return key in self._keys

    def add(self, keys: Sequence[int], hashes: NDArray[np.uint8]) -> None:
        """Add hashes; one that is added under a known key replaces the old one.

        Args:
            keys: N different numbers, 0 ≤ key < 2⁶³.
            hashes: (N, 32) uint8.

        Raises:
            ValueError: the shapes do not fit, or a key occurs twice.
        """
        _check_shape(hashes)
        if len(keys) != len(hashes) or len(set(keys)) != len(keys):
            raise ValueError(f"{len(hashes)} hashes need as many different keys.")
        self.remove(keys)
        self._index.add_with_ids(np.ascontiguousarray(hashes), np.array(keys, dtype=np.int64))
        self._keys.update(keys)

    def remove(self, keys: Iterable[int]) -> int:
        """Forget the hashes under these keys; return how many there were."""
        known = self._keys.intersection(keys)
        if known:
            self._index.remove_ids(faiss.IDSelectorBatch(np.array(sorted(known), dtype=np.int64)))
            self._keys -= known
        return len(known)

    def keep(self, keys: Iterable[int]) -> None:
        """Forget the hashes under all other keys."""
        self.remove(self._keys.difference(keys))

    def search(self, hashes: NDArray[np.uint8], *, radius_bits: int) -> list[HashHit]:
        """Return every key within the radius of any of the hashes, once, the closest first.

        Args:
            hashes: (Q, 32) uint8, say the orientations of one picture.
            radius_bits: bits that may differ at most, 0..256.

        Raises:
            ValueError: the shape or the radius is none.
        """
        _check_shape(hashes)
        if not 0 <= radius_bits <= HASH_BITS:
            raise ValueError(f"A radius of {radius_bits} bits is not within 0..{HASH_BITS}.")
        with _one_thread():
            # faiss finds what is closer than its radius.
            ends, bits, keys = self._index.range_search(
                np.ascontiguousarray(hashes), radius_bits + 1
            )
        queries = np.repeat(np.arange(len(hashes)), np.diff(ends).astype(np.int64))
        closest: dict[int, HashHit] = {}
        for index in np.lexsort((queries, keys, bits)):
            hit = HashHit(int(keys[index]), int(bits[index]), int(queries[index]))
            closest.setdefault(hit.key, hit)
        return list(closest.values())


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let faiss use the calling thread alone.

    OpenMP's other threads spin while they wait: with two of them on two busy cores a lookup took 6
    to 15 times as long. The number belongs to the thread that sets it.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _check_shape(hashes: NDArray[np.uint8]) -> None:
    if hashes.dtype != np.uint8 or hashes.ndim != 2 or hashes.shape[1] != HASH_BYTES:  # noqa: PLR2004 - rows of bytes
        raise ValueError(f"Hashes are (N, {HASH_BYTES}) uint8, not {hashes.shape} {hashes.dtype}.")
