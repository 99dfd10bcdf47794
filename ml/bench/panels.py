"""How fast pictures are segmented into panels, on one core."""

import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.bench.pictures import first_pictures
from ml.bench.timing import Clock, Times, shortest_ms
from ml.panels import split

_SIZE_PX = (1600, 1200)
_MAX_MS = 60.0  # at that size


def measure(
    folder: Path, *, rounds: int, count: int | None, clock: Clock = time.perf_counter
) -> list[Times]:
    """Return the times of segmenting a folder's pictures, at 1600 × 1200 and at their own size.

    Args:
        folder: pictures, at any depth; those that cannot be read are left out.
        rounds: how often each is timed, ≥ 1.
        count: how many pictures at most, the first ones; None takes all.
        clock: seconds, of which only differences matter.

    Raises:
        EvaluationDataInvalid: there is no such folder, or nothing in it is named as a picture.
        NoPictures: none can be read.
    """
    split(np.zeros((64, 64, 3), np.uint8))  # loads the classifiers
    names: list[str] = []
    usual, own = [], []
    for name, image in first_pictures(folder, count):
        pixels = np.asarray(image)
        names.append(name)
        usual.append(shortest_ms(partial(split, _resized(pixels)), rounds=rounds, clock=clock))
        own.append(shortest_ms(partial(split, pixels), rounds=rounds, clock=clock))
    return [
        Times("split, 1600 × 1200", tuple(names), tuple(usual), _MAX_MS),
        Times("split, own size", tuple(names), tuple(own), None),
    ]


def _resized(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    is_larger = pixels.shape[0] * pixels.shape[1] > _SIZE_PX[0] * _SIZE_PX[1]
    interpolation = cv2.INTER_AREA if is_larger else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, _SIZE_PX, interpolation=interpolation), np.uint8)
