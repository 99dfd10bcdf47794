"""How fast a detector finds objects."""

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

from PIL import Image

from ml.bench.timing import Clock, seconds_in_turns

Detect = Callable[[Sequence[Image.Image]], object]
_MS = 1000.0


def measure_ms(
    detect: Detect,
    images: Sequence[Image.Image],
    *,
    rounds: int,
    clock: Clock = time.perf_counter,
) -> float:
    """Return the milliseconds a picture, median of the rounds, after a pass that does not count.

    Args:
        detect: finds the objects of pictures.
        images: N ≥ 1 upright RGB pictures.
        rounds: how often they are timed, ≥ 1.
        clock: seconds, of which only differences matter.
    """
    detect(images)
    (seconds,) = seconds_in_turns(partial(detect, images), rounds=rounds, clock=clock)
    return _MS * statistics.median(seconds) / len(images)
