"""How far two PDQ hashes are apart, and when that says anything."""

HASH_BYTES = 32
# So much quality both pictures need: the advice of PDQ's source (`ml.copies.pdq`).
MIN_QUALITY = 50


def differing_bits(one: bytes, other: bytes) -> int:
    """Return by how many of 256 bits two hashes differ, both pictures as they lie.

    Args:
        one: of `HASH_BYTES`.
        other: of as many.
    """
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()
