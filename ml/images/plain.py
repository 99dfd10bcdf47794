"""Pictures in which there is nothing to see: a blank page, one colour, an even gradient."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIDE_PX = 64
# Levels of 255 that a picture may be off an even gradient, on the whole and at most anywhere: paper
# and compression are, a line of small print is not.
_MAX_RMS, _MAX_OFF = 1.5, 10.0


def is_plain(image: Image.Image) -> bool:
    """Return whether an RGB picture is no more than ground: what is alike to it says nothing."""
    small = image.resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BOX)
    levels = np.asarray(small, np.float32).reshape(-1, 3)
    surface, *_ = np.linalg.lstsq(_GRADIENTS, levels, rcond=None)
    off = np.abs(levels - _GRADIENTS @ surface)
    return bool(np.sqrt((off**2).mean()) <= _MAX_RMS and off.max() <= _MAX_OFF)


def _gradients() -> NDArray[np.float32]:
    """Return (64 × 64, 10) float32: the terms of a surface of the third degree."""
    steps = np.linspace(-1, 1, _SIDE_PX, dtype=np.float32)
    x, y = (grid.ravel() for grid in np.meshgrid(steps, steps))
    terms = [x**across * y**down for across in range(4) for down in range(4 - across)]
    return np.stack(terms, axis=1)


_GRADIENTS = _gradients()
