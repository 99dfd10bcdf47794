"""Upright RGB pictures to the square 8-bit pixels that a network's input is made from."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.encoders.base import MAX_MAP_SIDE, PreprocessConfig
from ml.images.letterbox import letterbox

_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def to_pixels(images: Sequence[Image.Image], config: PreprocessConfig) -> NDArray[np.uint8]:
    """Return the resized pictures, stacked in input order.

    Scaling to 0..1, mean and std are left to the encoder, which does them on its device.

    Args:
        images: N upright RGB pictures, any size ≥ 1 px.
        config: size, resize mode and interpolation are used.

    Returns:
        (N, S, S, 3) uint8, 0..255, S = `config.size_px`, channels R, G, B last.
    """
    pixels = np.empty((len(images), config.size_px, config.size_px, 3), dtype=np.uint8)
    for row, image in zip(pixels, images, strict=True):
        if image.mode != "RGB":
            raise ValueError(f"expected an RGB picture, as decode() returns it; got {image.mode}")
        row[:] = (
            letterbox(image, config.size_px, config.size_px)[0]
            if config.resize == "letterbox"
            else np.asarray(_resized(image, config))
        )
    return pixels


def seen_share(
    image_size: tuple[int, int], config: PreprocessConfig
) -> tuple[float, float, float, float] | None:
    """Return which part of a picture a network looks at: x0, y0, x1, y1 in shares of its sides.

    None where it is letterboxed: the input then shows more than the picture.
    """
    if config.resize == "letterbox":
        return None
    if config.resize == "squash":
        return 0.0, 0.0, 1.0, 1.0
    width, height = image_size
    x0, y0, x1, y1 = _centre_box(image_size, config)
    return x0 / width, y0 / height, x1 / width, y1 / height


def pooled(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a map of (R, C, D) cells with at most `MAX_MAP_SIDE` rows and columns, by means.

    Neighbours are averaged by a whole factor; the last ones may be fewer.
    """
    for axis in (0, 1):
        factor = -(-cells.shape[axis] // MAX_MAP_SIDE)
        if factor > 1:
            starts = np.arange(0, cells.shape[axis], factor)
            sums = np.add.reduceat(cells, starts, axis=axis)
            counts = np.diff([*starts, cells.shape[axis]])
            shape = [1, 1, 1]
            shape[axis] = len(starts)
            cells = (sums / counts.reshape(shape)).astype(np.float32)
    return cells


def _resized(image: Image.Image, config: PreprocessConfig) -> Image.Image:
    size = (config.size_px, config.size_px)
    box = None if config.resize == "squash" else _centre_box(image.size, config)
    return image.resize(size, _FILTERS[config.interpolation], box=box)


def _centre_box(
    image_size: tuple[int, int], config: PreprocessConfig
) -> tuple[float, float, float, float]:
    """Return the part of the picture that the centre crop of its resized self would show.

    Resizing this box gives the same pixels as resizing all and cutting (Pillow's filters read past
    the box's edges), without ever making the resized whole, which for a picture of 10,000 × 1 px
    would be 224 × 2,240,000.

    Returns:
        x0, y0, x1, y1 in pixels of the picture, fractions included.
    """
    short = min(image_size)
    spans = []
    for length in image_size:
        resized = config.resize_px * length // short
        start = (resized - config.size_px) // 2
        scale = length / resized
        spans.append((start * scale, min(length, (start + config.size_px) * scale)))
    (x0, x1), (y0, y1) = spans
    return x0, y0, x1, y1
