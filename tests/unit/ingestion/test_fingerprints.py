"""What a watched folder's files are known by."""

import os

import numpy as np

from ingestion.sources import Fingerprints, PathSet, file_state, path_key


def state(size: int, time_ns: int) -> int:
    facts = os.stat_result((0,) * 6 + (size,) + (0,) * 3, {"st_mtime_ns": time_ns})
    return file_state(facts)


def test_the_last_state_of_a_file_counts() -> None:
    known = Fingerprints.of([(5, 1), (3, 2), (5, 9)])

    assert len(known) == 2
    assert [known.has(*pair) for pair in ((5, 9), (3, 2), (5, 1), (4, 2), (9, 9))] == [
        *(True, True, False, False, False),
    ]


def test_both_and_all() -> None:
    one, two = Fingerprints.of([(1, 1), (2, 2), (3, 3)]), Fingerprints.of([(2, 2), (3, 9), (4, 4)])

    both, either = one & two, one | two

    assert [len(both), both.has(2, 2)] == [1, True]
    pairs = [(1, 1), (2, 2), (3, 9), (4, 4)]
    assert (len(either), [either.has(*pair) for pair in pairs]) == (4, [True] * 4)


def test_it_survives_as_bytes(rng: np.random.Generator) -> None:
    pairs = [(int(key), int(key) ^ 7) for key in rng.integers(0, 2**63, 1000, dtype=np.uint64)]
    data = Fingerprints.of(pairs).to_bytes()

    again = Fingerprints.from_bytes(memoryview(data))  # as PostgreSQL's driver gives it
    paths = PathSet(again.paths())

    assert (len(data), len(again), len(paths)) == (16_000, 1000, 1000)
    assert all(again.has(*pair) and pair[0] in paths for pair in pairs)
    assert 2**64 - 1 not in paths


def test_nothing_is_known_at_first() -> None:
    none = Fingerprints.from_bytes(b"")

    assert (len(none), none.has(0, 0), len(none & none), len(none | none)) == (0, False, 0, 0)
    assert 0 not in PathSet(none.paths())


def test_names_sizes_and_times_tell_files_apart() -> None:
    names = ("a.jpg", "b/a.jpg", "a.jpg\udcff", "б.jpg")  # one is not UTF-8

    assert len({path_key(name) for name in names}) == 4
    assert len({state(1, 23), state(12, 3), state(1, 24)}) == 3
    assert state(1, 23) == state(1, 23)
