"""Where a region may be cut in two from side to side, and the features of each such cut."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.config import CONFIG
from ml.panels.measurement.work_copy import WorkCopy
from ml.types import Box

FEATURES = (
    "share",  # of the length with an edge
    "worst segment",
    "second segment",
    "step",  # grey levels
    "step, to all",  # times the region's median step
    "step, to near",  # times the mean step within 20 px
    "sharpness",  # the step by all steps within 3 px: things in a photo are blurred, seams are not
    "next share",  # of the best other position
    "colour apart",  # grey levels between the strips' means
    "likeness",  # correlation of the strips along the cut
    "calmer strip",  # deviation along the cut, grey levels
    "livelier strip",
    "line",  # deviation along the calmest column or row at the cut: of a gutter 1 or 2 px wide
    "length",  # as a share of the work copy's longest side
    "position",  # 0 at the region's end, 0.5 in its middle
    "is whole",  # the region is all of the work copy
    "texture ratio",  # of the strips' gradients
    "gutter",  # pixels to the next candidate with nothing between them; 0 without one
)


@dataclass(frozen=True, slots=True)
class Cuts:
    """Candidates for cutting one region in one direction.

    Attributes:
        is_upright: whether they are columns, else rows.
        positions: (N,) int64, ascending: the first column or row of the part behind the cut, in
            pixels of the work copy.
        features: (N, F) float32, see `FEATURES`.
    """

    is_upright: bool
    positions: NDArray[np.int64]
    features: NDArray[np.float32]


def find_cuts(work_copy: WorkCopy, region: Box, *, is_upright: bool) -> Cuts:
    """Return the candidates of one direction; the region is larger than a few pixels."""
    seams = work_copy.seams
    shares = seams.columns(region) if is_upright else seams.rows(region)
    steps = seams.column_steps(region) if is_upright else seams.row_steps(region)
    offsets = _peaks(shares, steps)
    start = region.x0 if is_upright else region.y0
    if not len(offsets):
        return Cuts(is_upright, offsets, np.zeros((0, len(FEATURES)), np.float32))
    pixels = work_copy.pixels[region.y0 : region.y1, region.x0 : region.x1]
    gradient = work_copy.gradient[region.y0 : region.y1, region.x0 : region.x1]
    across = _across(gradient, is_upright=is_upright)
    length = region.height if is_upright else region.width
    features = [
        *_edge_features(
            offsets, shares, steps, _segments(work_copy, region, is_upright=is_upright)
        ),
        *_strip_features(offsets, pixels, is_upright=is_upright),
        np.full(len(offsets), length / max(work_copy.gradient.shape)),
        np.minimum(offsets, len(shares) - 1 - offsets) / len(shares),
        np.full(len(offsets), float(region == work_copy.bounds)),
        _texture_ratios(offsets, across),
        _gutters(offsets, across),
    ]
    return Cuts(is_upright, offsets + start, np.stack(features, axis=1).astype(np.float32))


def _peaks(shares: NDArray[np.float32], steps: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return offsets of the likeliest cuts, ascending, `min_distance_px` from each other."""
    config, snap_px = CONFIG.cuts, CONFIG.seams.snap_px
    is_edge = shares >= config.min_edge_share
    strength = np.where(is_edge, shares + steps / config.step_levels_per_share, 0)
    strength[: snap_px + 1] = 0  # nearer to the region's own sides, these would have moved there
    strength[-snap_px - 1 :] = 0
    found: list[int] = []
    while len(found) < config.max_candidates and strength.max(initial=0) > 0:
        offset = int(strength.argmax())
        found.append(offset)
        strength[max(0, offset - config.min_distance_px + 1) : offset + config.min_distance_px] = 0
    return np.array(sorted(found), np.int64)


def _segments(work_copy: WorkCopy, region: Box, *, is_upright: bool) -> NDArray[np.float32]:
    """Return (segments, width + 1) float32 shares of the parts of the region's lines."""
    length = region.height if is_upright else region.width
    ends = np.linspace(0, length, CONFIG.cuts.segments + 1).astype(int)
    return work_copy.seams.segments(region, ends, is_upright=is_upright)


# Candidates lie at least `snap_px` + 1 from both ends, so that no strip beside them is cut short.


def _edge_features(
    offsets: NDArray[np.int64],
    shares: NDArray[np.float32],
    steps: NDArray[np.float32],
    segments: NDArray[np.float32],
) -> list[NDArray[np.float32]]:
    """Return eight features, (N,) each, of the edges themselves."""
    config = CONFIG.cuts
    around = offsets[:, None] + np.arange(-1, 2)
    worst = np.sort(segments[:, around].max(axis=2), axis=0)
    step = steps[around].max(axis=1)
    is_other = np.abs(offsets[:, None] - offsets) > 2 * config.min_distance_px
    total = np.concatenate([[0.0], np.cumsum(steps, dtype=np.float64)])
    first = np.maximum(offsets - config.surroundings_px, 0)
    last = np.minimum(offsets + config.surroundings_px + 1, len(steps))
    near = (total[last] - total[first]) / (last - first)
    sharp = total[offsets + config.strip_px + 1] - total[offsets - config.strip_px]
    return [
        shares[around].max(axis=1),
        worst[0],
        worst[1],
        step,
        step / (np.sort(steps)[len(steps) // 2] + 1.0),
        step / (near + 1.0),
        step / (sharp + 1.0),
        np.where(is_other, shares[offsets], 0).max(axis=1),
    ]


def _strip_features(
    offsets: NDArray[np.int64], pixels: NDArray[np.uint8], *, is_upright: bool
) -> list[NDArray[np.float32]]:
    """Return five features, (N,) each, of the lines at a cut and of the strips on both sides."""
    count, strip_px = len(offsets), CONFIG.cuts.strip_px
    reach = strip_px + CONFIG.cuts.blurred_px
    beside = np.arange(-reach, reach)  # the lines of both strips and between
    along = pixels if is_upright else pixels.transpose(1, 0, 2)
    along = along[:: max(1, len(along) // CONFIG.cuts.max_samples_along)]
    # Each pixel along a cut is a row: numpy adds long rows up several times as fast as short ones.
    near = along[:, (offsets + beside[:, None]).ravel()].reshape(len(along), -1)
    near = near.astype(np.float32)
    means = near.mean(axis=0)
    near -= means
    variances = (np.einsum("lk,lk->k", near, near) / len(near)).reshape(-1, count, 3)
    even = np.sqrt(variances[strip_px:-strip_px].max(axis=2).min(axis=0))
    lines = near.reshape(len(near), -1, 3 * count)
    strips = lines[:, :strip_px].sum(axis=1), lines[:, -strip_px:].sum(axis=1)
    squares = [np.einsum("lk,lk->k", each, each).reshape(count, 3) for each in strips]
    deviations = np.sort([np.sqrt(each / len(near)).max(axis=1) for each in squares], axis=0)
    sizes = np.sqrt(squares[0].sum(axis=1) * squares[1].sum(axis=1))
    shared = np.einsum("lk,lk->k", *strips).reshape(count, 3).sum(axis=1)
    means = means.reshape(-1, count, 3)
    colours = means[:strip_px].mean(axis=0), means[-strip_px:].mean(axis=0)
    difference = np.abs(colours[0] - colours[1]).max(axis=1)
    correlation = shared / np.where(sizes > 0, sizes, 1)
    return [difference, correlation, *deviations / strip_px, even]


def _across(gradient: NDArray[np.uint8], *, is_upright: bool) -> NDArray[np.float64]:
    """Return (width + 1,) sums of the columns' mean gradients, or (height + 1,) of the rows'."""
    sums = cv2.reduce(gradient, 0 if is_upright else 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()
    return np.concatenate([[0.0], np.cumsum(sums) / gradient.shape[0 if is_upright else 1]])


def _texture_ratios(offsets: NDArray[np.int64], across: NDArray[np.float64]) -> NDArray[np.float64]:
    reach, blurred = CONFIG.cuts.texture_strip_px, CONFIG.cuts.blurred_px
    first, last = np.maximum(offsets - reach, 0), np.minimum(offsets + reach, len(across) - 1)
    before = (across[offsets - blurred] - across[first]) / (offsets - blurred - first)
    behind = (across[last] - across[offsets + blurred]) / (last - offsets - blurred)
    ratios: NDArray[np.float64] = (np.minimum(before, behind) + 1) / (
        np.maximum(before, behind) + 1
    )
    return ratios


def _gutters(offsets: NDArray[np.int64], across: NDArray[np.float64]) -> NDArray[np.float64]:
    config = CONFIG.cuts
    distances = np.abs(offsets[:, None] - offsets)
    np.fill_diagonal(distances, config.max_gutter_px + 1)
    widths = distances.min(axis=1)
    others = offsets[distances.argmin(axis=1)]
    first, last = np.minimum(offsets, others) + 1, np.maximum(offsets, others) - 1
    between = (across[last] - across[first]) / np.maximum(last - first, 1)
    is_calm = (last <= first) | (between <= config.max_gutter_levels)
    return np.where((widths <= config.max_gutter_px) & is_calm, widths, 0)
