"""How fast hashes are looked up and copies proved, on one core."""

import time
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.bench.pictures import first_pictures
from ml.bench.timing import Clock, Times, Work, shortest_ms
from ml.copies import features, pdq
from ml.copies.lookup import HashLookup
from ml.copies.verification import verify
from ml.rules.hash_distance import HASH_BYTES

_HASHES, _SEED = 100_000, 0
_MAX_LOOKUP_MS, _MAX_VERIFY_MS = 5.0, 40.0
_CUT = 0.15  # of each side, off a picture that a copy is made of


def measure(
    folder: Path, *, rounds: int, count: int | None, clock: Clock = time.perf_counter
) -> list[Times]:
    """Return the times of looking hashes up and of comparing pictures by their features.

    Each picture's orientations are looked up among 100,000 random hashes; each picture is compared
    with its own middle and with the middle of the next one, mirrored, which is no copy of it unless
    it is the only one.

    Args:
        folder: pictures, at any depth; those that cannot be read are left out.
        rounds: how often each is timed, ≥ 1.
        count: how many pictures at most, the first ones; None takes all.
        clock: seconds, of which only differences matter.

    Raises:
        EvaluationDataInvalid: there is no such folder, or nothing in it is named as a picture.
        NoPictures: none can be read.
    """
    lookup = _filled_lookup()
    names, oriented, full, middles = [], [], [], []
    for name, image in first_pictures(folder, count):
        pixels = np.asarray(image)
        names.append(name)
        oriented.append(pdq.oriented_hashes(pixels)[1])
        full.append(features.extract(pixels))
        middles.append(features.extract(_middle(pixels)))
    others = [middle.mirrored() for middle in [*middles[1:], middles[0]]]

    def times(name: str, works: list[Work], max_ms: float) -> Times:
        shortest = [shortest_ms(work, rounds=rounds, clock=clock) for work in works]
        return Times(name, tuple(names), tuple(shortest), max_ms)

    near = pdq.NEAR_IDENTICAL_BITS
    lookups: list[Work] = [partial(lookup.search, query, radius_bits=near) for query in oriented]
    same: list[Work] = [partial(verify, *pair) for pair in zip(middles, full, strict=True)]
    different: list[Work] = [partial(verify, *pair) for pair in zip(others, full, strict=True)]
    return [
        times("look up among 100,000", lookups, _MAX_LOOKUP_MS),
        times("verify a copy", same, _MAX_VERIFY_MS),
        times("verify another picture", different, _MAX_VERIFY_MS),
    ]


def _filled_lookup() -> HashLookup:
    rng = np.random.default_rng(_SEED)
    lookup = HashLookup()
    hashes = rng.integers(0, 256, (_HASHES, HASH_BYTES), dtype=np.uint8)
    lookup.add(range(_HASHES), hashes)
    return lookup


def _middle(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    top, left = int(_CUT * height), int(_CUT * width)
    return pixels[top : height - top, left : width - left]
