"""Which files of a folder are known: by hashes of name, size and time, few bytes a file.

A million files are 16 MB. Two of a million names share a hash in one of 30 million such folders.
"""

import os
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_KEY_BYTES = 8
_Pairs = NDArray[np.uint64]


def path_key(name: str) -> int:
    """Return what a file is known by: 64 bits of its path in its folder, as the disk has it."""
    return _hash(os.fsencode(name))


def file_state(facts: os.stat_result) -> int:
    """Return 64 bits that are others once a file was written again: of its size and its time."""
    return _hash(b"%d %d" % (facts.st_size, facts.st_mtime_ns))


def _hash(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=_KEY_BYTES).digest(), "little")


class PathSet:
    """Names of files, by their keys."""

    def __init__(self, data: bytes | memoryview) -> None:
        """Read what `Fingerprints.paths` wrote."""
        self._keys = array("Q", bytes(data))

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: int) -> bool:
        at = bisect_left(self._keys, key)
        return at < len(self._keys) and self._keys[at] == key


class Fingerprints:
    """Keys of files, each with its file's state: sorted by key, one of each. It never changes."""

    def __init__(self, pairs: _Pairs) -> None:
        """Take pairs over; of several with the same key the last one counts.

        Args:
            pairs: (N, 2) uint64, key and state.
        """
        latest = pairs[::-1]
        _, first = np.unique(latest[:, 0], return_index=True)
        self._pairs = latest[first]
        self._keys, self._states = (array("Q", column.tobytes()) for column in self._pairs.T)

    @classmethod
    def of(cls, files: Iterable[tuple[int, int]]) -> "Fingerprints":
        """Return those of files by key and state."""
        flat = array("Q", (each for pair in files for each in pair))
        return cls(np.array(flat, np.uint64).reshape(-1, 2))

    @classmethod
    def from_bytes(cls, data: bytes | memoryview) -> "Fingerprints":
        """Read what `to_bytes` wrote."""
        return cls(np.frombuffer(data, "<u8").astype(np.uint64).reshape(-1, 2))

    def to_bytes(self) -> bytes:
        """Return 16 bytes a file."""
        return self._pairs.astype("<u8").tobytes()

    def paths(self) -> bytes:
        """Return the keys alone, 8 bytes a file, for `PathSet`."""
        return self._pairs[:, 0].astype("<u8").tobytes()

    def __len__(self) -> int:
        return len(self._keys)

    def has(self, key: int, state: int) -> bool:
        """Whether a file is among these, in this state."""
        at = bisect_left(self._keys, key)
        return at < len(self._keys) and self._keys[at] == key and self._states[at] == state

    def __and__(self, other: "Fingerprints") -> "Fingerprints":
        """Return those that are in both in the same state."""
        kept = [other.has(key, state) for key, state in zip(self._keys, self._states, strict=True)]
        return Fingerprints(self._pairs[np.array(kept, dtype=bool)])

    def __or__(self, other: "Fingerprints") -> "Fingerprints":
        """Return all; where both have a file, in the state that the other one has."""
        return Fingerprints(np.concatenate([self._pairs, other._pairs]))
