"""How fast an encoder embeds, beside a plain loop over the library that its network comes from.

Both run on the same device, in the same number format, and are timed in turns, so that whatever
else the machine does meanwhile slows both.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PIL import Image

from ml.bench.timing import Clock, seconds_in_turns

# What "never slower than the plain loop by more than 10 %" allows.
_MIN_RATIO = 0.9

Embed = Callable[[Sequence[Image.Image]], object]


@dataclass(frozen=True, slots=True)
class EncoderSpeed:
    """What was measured.

    Attributes:
        encoder_per_s: pictures a second through the encoder, median of the rounds.
        plain_per_s: the same through the plain loop.
        ratio: how many times as fast the encoder was, median of the rounds.
    """

    encoder_per_s: float
    plain_per_s: float
    ratio: float

    @property
    def is_kept(self) -> bool:
        """Whether the encoder is slower than the plain loop by 10 % at most."""
        return self.ratio >= _MIN_RATIO


def measure(
    encode: Embed,
    plain: Embed,
    images: Sequence[Image.Image],
    *,
    rounds: int,
    clock: Clock = time.perf_counter,
) -> EncoderSpeed:
    """Time both ways in turns, after one pass of each that does not count.

    Args:
        encode: embeds pictures.
        plain: embeds them the other way.
        images: N ≥ 1 upright RGB pictures.
        rounds: how often each is timed, ≥ 1.
        clock: seconds, of which only differences matter.
    """
    for embed in (encode, plain):
        embed(images)
    encoder_s, plain_s = seconds_in_turns(
        partial(encode, images), partial(plain, images), rounds=rounds, clock=clock
    )
    return EncoderSpeed(
        encoder_per_s=len(images) / statistics.median(encoder_s),
        plain_per_s=len(images) / statistics.median(plain_s),
        ratio=statistics.median(slow / fast for fast, slow in zip(encoder_s, plain_s, strict=True)),
    )
