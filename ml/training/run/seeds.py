"""Seeds of torch's global generator; each use draws from a stream of its own."""

import numpy as np

# The streams below 5 belong to `ml.training.data`, 6 and 7 to `ml.training.held_out`.
STEP_STREAM, START_STREAM = 5, 8


def seed_of(*parts: int) -> int:
    """Return a seed of 64 bits that depends on every part, each ≥ 0."""
    (seed,) = np.random.SeedSequence(parts).generate_state(1, np.uint64).tolist()
    return int(seed)
