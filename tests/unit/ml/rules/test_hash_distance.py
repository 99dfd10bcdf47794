"""How far hashes are apart, beside counting bit by bit."""

import numpy as np

from ml.rules.hash_distance import HASH_BYTES, differing_bits


def test_bits_are_counted_as_one_by_one() -> None:
    rng = np.random.default_rng(7)
    for _ in range(20):
        one, other = rng.integers(0, 256, (2, HASH_BYTES), np.uint8)
        expected = sum(
            (int(a) >> bit & 1) != (int(b) >> bit & 1)
            for a, b in zip(one, other, strict=True)
            for bit in range(8)
        )

        assert differing_bits(one.tobytes(), other.tobytes()) == expected


def test_the_same_hash_differs_in_nothing_and_its_negative_in_all() -> None:
    one = bytes(range(HASH_BYTES))

    assert differing_bits(one, one) == 0
    assert differing_bits(one, bytes(255 - byte for byte in one)) == 256
