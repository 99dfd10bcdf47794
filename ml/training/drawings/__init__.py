"""Drawings made from photos: what teaches "the same subject in another medium" without labels.

Each kind draws differently every time: line weights, thresholds, colours, paper, proportions and
how much of the background stays are drawn from the generator. All of it is OpenCV and numpy.
"""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np

from ml.training.drawings import areas, lines
from ml.training.drawings.pixels import Picture

_MIN_SIDE_PX = 16

_METHODS: MappingProxyType[str, Callable[[Picture, np.random.Generator], Picture]] = (
    MappingProxyType(
        {
            "contours": lines.contours,
            "outlines": lines.outlines,
            "ink": lines.ink,
            "pencil": lines.pencil,
            "hatching": lines.hatching,
            "halftone": lines.halftone,
            "cartoon": areas.cartoon,
            "posterised": areas.posterised,
            "clip_art": areas.clip_art,
            "painting": areas.painting,
            "watercolour": areas.watercolour,
            "filtered": areas.filtered,
        }
    )
)
KINDS = tuple(_METHODS)


def draw(picture: Picture, kind: str, rng: np.random.Generator) -> Picture:
    """Return a drawing made of a photo.

    Args:
        picture: (H, W, 3) uint8 RGB, not changed. Made for short sides of 128 to 400 px: line
            weights are in pixels. Below 16 px a side there is nothing to draw: the picture itself
            is returned.
        kind: one of `KINDS`.
        rng: all variety comes from it.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    method = _METHODS[kind]
    if min(picture.shape[:2]) < _MIN_SIDE_PX:
        return picture.copy()
    return method(np.ascontiguousarray(picture), rng)
