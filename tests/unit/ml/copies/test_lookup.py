import faiss
import numpy as np
import pytest

from ml.copies.lookup import HashHit, HashLookup


def random_hashes(rng, count):
    return rng.integers(0, 256, (count, 32), np.uint8)


def with_flipped_bits(rng, hash_, count):
    """The hash with so many bits changed."""
    bits = np.unpackbits(hash_)
    bits[rng.choice(256, count, replace=False)] ^= 1
    return np.packbits(bits)


def brute_force(known, queries, radius_bits):
    """(key, bits, query) of every key within the radius, by counting in Python."""
    found = []
    for key, hash_ in known.items():
        distances = [
            sum(int(a ^ b).bit_count() for a, b in zip(q, hash_, strict=True)) for q in queries
        ]
        if min(distances) <= radius_bits:
            found.append(HashHit(key, min(distances), distances.index(min(distances))))
    return sorted(found, key=lambda hit: (hit.bits, hit.key))


@pytest.mark.parametrize("radius_bits", [0, 31, 110, 256], ids=str)
def test_finds_what_brute_force_finds(rng, radius_bits):
    hashes = random_hashes(rng, 300)
    queries = random_hashes(rng, 8)
    for index, bits in enumerate((0, 1, 30, 31, 32, 33)):  # on both sides of the radius
        hashes[index] = with_flipped_bits(rng, queries[index % 3], bits)
    keys = [int(key) for key in rng.choice(2**62, 300, replace=False)]
    lookup = HashLookup()
    lookup.add(keys[:200], hashes[:200])
    lookup.add(keys[200:], hashes[200:])

    found = lookup.search(queries, radius_bits=radius_bits)

    assert found == brute_force(dict(zip(keys, hashes, strict=True)), queries, radius_bits)
    assert len(found) >= {0: 1, 31: 4, 110: 5, 256: 300}[radius_bits]


def test_removed_hashes_are_not_found_and_the_others_keep_their_keys(rng):
    hashes = random_hashes(rng, 50)
    lookup = HashLookup()
    lookup.add(range(50), hashes)

    removed = lookup.remove([0, 7, 49, 49, 1000])

    assert (removed, len(lookup)) == (3, 47)
    left = {key: hashes[key] for key in range(50) if key not in (0, 7, 49)}
    assert lookup.search(hashes, radius_bits=31) == brute_force(left, hashes, 31)


def test_added_again_a_key_has_its_new_hash_only(rng):
    first, second = random_hashes(rng, 2)
    lookup = HashLookup()
    lookup.add([5], first[None])
    lookup.add([5], second[None])

    assert len(lookup) == 1
    assert lookup.search(first[None], radius_bits=31) == []
    assert lookup.search(second[None], radius_bits=31) == [HashHit(5, 0, 0)]


def test_an_empty_lookup_finds_nothing(rng):
    lookup = HashLookup()
    lookup.add([], np.zeros((0, 32), np.uint8))

    assert (len(lookup), lookup.remove([1])) == (0, 0)
    assert lookup.search(random_hashes(rng, 8), radius_bits=256) == []
    assert lookup.search(np.zeros((0, 32), np.uint8), radius_bits=31) == []


@pytest.mark.parametrize(
    ("keys", "hashes"),
    [
        ([1, 1], np.zeros((2, 32), np.uint8)),
        ([1], np.zeros((2, 32), np.uint8)),
        ([1], np.zeros((1, 31), np.uint8)),
        ([1], np.zeros(32, np.uint8)),
        ([1], np.zeros((1, 32), np.int64)),
    ],
    ids=["a key twice", "too few keys", "too few bytes", "no rows", "no bytes"],
)
def test_what_cannot_be_added_changes_nothing(keys, hashes):
    lookup = HashLookup()
    lookup.add([1], np.full((1, 32), 9, np.uint8))

    with pytest.raises(ValueError, match=r"hashes|Hashes"):
        lookup.add(keys, hashes)

    assert lookup.search(np.full((1, 32), 9, np.uint8), radius_bits=0) == [HashHit(1, 0, 0)]


@pytest.mark.parametrize("radius_bits", [-1, 257], ids=str)
def test_a_radius_that_is_none_is_refused(radius_bits):
    with pytest.raises(ValueError, match="radius"):
        HashLookup().search(np.zeros((1, 32), np.uint8), radius_bits=radius_bits)


def test_a_lookup_leaves_the_number_of_threads_as_it_was():
    before = faiss.omp_get_max_threads()
    lookup = HashLookup()
    lookup.add([1], np.zeros((1, 32), np.uint8))
    faiss.omp_set_num_threads(3)
    try:
        lookup.search(np.zeros((1, 32), np.uint8), radius_bits=0)
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)
