"""The features that tell a photo in a box from flat page, text, drawings and parts of a photo."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.config import CONFIG
from ml.panels.measurement.snapping import SnappedBox
from ml.panels.measurement.work_copy import WorkCopy
from ml.types import Box

FEATURES = (
    "weakest side",  # the sides' shares of straight edge; a side on the work copy's rim counts 1
    "second side",
    "third side",
    "strongest side",
    "sides on rim",
    "weakest own side",  # of those that are no sides of the region around
    "filled",  # share of the box that is no canvas; 1 where the box was cut
    "least covered side",
    "mean covered side",
    "flat",
    "sharp",
    "middling",  # neither
    "main colour",  # share of the commonest bin
    "two main colours",
    "colours",  # bins that are not rare
    "entropy",  # bits, of the bins
    "flat rows",  # share of rows that are flat all along: between lines of text
    "flat columns",
    "aspect",  # shorter side by longer
    "shorter side",  # pixels of the original
    "deviation",  # grey levels
    "textured",  # see `WorkCopy.textured`
)


def panel_features(
    work_copy: WorkCopy, snapped: SnappedBox, *, coverage: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return (F,) float32, see `FEATURES`.

    Args:
        work_copy: the picture.
        snapped: at least 4 px wide and high.
        coverage: (5,) float32, 0..1: how much of the box, and of its four sides, is no canvas.
    """
    box = snapped.box
    long, short = max(box.width, box.height), min(box.width, box.height)
    texture, deviation = _texture(work_copy, box)
    values = [
        *np.sort(snapped.side_shares),
        snapped.sides_on_rim,
        snapped.weakest_own_side,
        coverage[0],
        coverage[1:].min(),
        coverage[1:].mean(),
        *texture,
        short / long,
        short / work_copy.scale,
        deviation,
        work_copy.textured_px(box) / box.area,
    ]
    return np.array(values, np.float32)


def full_coverage() -> NDArray[np.float32]:
    """Return the coverage, (5,) float32, of a box that lies on no canvas."""
    return np.ones(5, np.float32)


def coverage_of(mask: NDArray[np.uint8], region: Box, box: Box) -> NDArray[np.float32]:
    """Return (5,) float32: the share of content in a box, and along its four sides.

    Args:
        mask: (H, W) uint8 of the region, 1 is content.
        region: which part of the work copy the mask is.
        box: inside the region, in pixels of the work copy.
    """
    part = mask[box.y0 - region.y0 : box.y1 - region.y0, box.x0 - region.x0 : box.x1 - region.x0]
    config = CONFIG.photo_features
    rim = max(config.min_rim_px, min(part.shape) // config.sides_per_rim)
    lines = (part[:, :rim], part[:rim].T, part[:, -rim:], part[-rim:].T)
    shares = [float(part.mean()), *(float(line.max(axis=1).mean()) for line in lines)]
    return np.array(shares, np.float32)


def _inner(box: Box) -> tuple[slice, slice]:
    """Return the box without its outermost pixels, which mix with what is beside them."""
    return slice(box.y0 + 1, box.y1 - 1), slice(box.x0 + 1, box.x1 - 1)


def _sampled(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an even sample of the pixels of a box."""
    step = max(
        1, int((values.shape[0] * values.shape[1] / CONFIG.photo_features.max_samples) ** 0.5)
    )
    size = (-(-values.shape[1] // step), -(-values.shape[0] // step))
    # A quarter of the time of slices with a step.
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _texture(work_copy: WorkCopy, box: Box) -> tuple[list[float], float]:
    """Return the features of flatness, sharpness, colours and lines, and the deviation."""
    config = CONFIG.photo_features
    max_flat, max_texture = CONFIG.work_copy.max_flat_levels, CONFIG.work_copy.max_texture_levels
    gradient = work_copy.gradient[_inner(box)]
    sampled = _sampled(gradient)
    flat = np.count_nonzero(sampled <= max_flat) / sampled.size
    sharp = np.count_nonzero(sampled > max_texture) / sampled.size
    pixels = _sampled(work_copy.pixels[_inner(box)])
    bins = [config.colour_bins] * 3
    counts = cv2.calcHist([pixels], [0, 1, 2], None, bins, [0, 256] * 3)
    shares = np.sort(counts[counts > 0])[::-1] / sampled.size
    rows, columns = gradient.max(axis=1), gradient.max(axis=0)
    max_flat_line = config.flat_line_factor * max_flat
    return [
        flat,
        sharp,
        1.0 - flat - sharp,
        float(shares[0]),
        float(shares[:2].sum()),
        float((shares > config.max_rare_share).sum()),
        float(-(shares * np.log2(shares)).sum()),
        np.count_nonzero(rows <= max_flat_line) / rows.size,
        np.count_nonzero(columns <= max_flat_line) / columns.size,
    ], float(cv2.meanStdDev(pixels)[1].max())
