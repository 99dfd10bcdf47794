"""Which sample values stand for black and for white, where files do not say.

Bits that a file states are used whole. Scanners and cameras write 10, 12 or 14 bits into samples of
16 without saying so; taken as 16 they would come out black. So the smallest usual range that holds
all values of a picture is taken.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_8_BITS = 255.0
_INTEGER_WHITES: tuple[float, ...] = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)
_FLOAT_WHITES: tuple[float, ...] = (1.0, 255.0, 65535.0)


@dataclass(frozen=True, slots=True)
class Tones:
    """The sample values that stand for black and for white; white > black."""

    black: float
    white: float


def tones_between(low: float, high: float, dtype: np.dtype[np.generic]) -> Tones:
    """Return the tones of a picture whose finite samples lie between two values.

    Where no usual range holds them: all values of 32-bit integers if the upper half is used, else
    the two values themselves.
    """
    whites, full = _FLOAT_WHITES, np.inf
    if dtype.kind in "ui":
        whites, full = _INTEGER_WHITES, float(2 ** (8 * dtype.itemsize - (dtype.kind == "i")) - 1)
    for white in whites:
        if low >= 0.0 and high <= white:
            return Tones(0.0, min(white, full))
    if low >= 0.0 and high > full / 2:
        return Tones(0.0, full)
    return Tones(low, max(high, low + 1.0))


def to_8_bits(samples: NDArray[np.generic], tones: Tones) -> NDArray[np.uint8]:
    """Scale samples of any shape and number type to 0..255; what is no number is 0."""
    if samples.dtype.kind == "u" and samples.dtype.itemsize <= 2:  # noqa: PLR2004 - few enough values for a table
        scaled: NDArray[np.uint8] = _table(2 ** (8 * samples.dtype.itemsize), tones)[samples]
        return scaled
    return _scaled(finite(samples), tones)


def finite(samples: NDArray[np.generic]) -> NDArray[np.float64]:
    """Return samples as float64; what is no number is 0."""
    values = samples.astype(np.float64)
    values[~np.isfinite(values)] = 0.0
    return values


@lru_cache(maxsize=16)  # a page has thousands of strips
def _table(values: int, tones: Tones) -> NDArray[np.uint8]:
    """Return what each value from 0 becomes."""
    return _scaled(np.arange(values, dtype=np.float64), tones)


def _scaled(values: NDArray[np.float64], tones: Tones) -> NDArray[np.uint8]:
    """Halves are rounded up, as (v + 128) // 257 does for 16 bits."""
    scale = _8_BITS / (tones.white - tones.black)
    return np.floor(((values - tones.black) * scale).clip(0.0, _8_BITS) + 0.5).astype(np.uint8)
