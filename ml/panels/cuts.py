"""Where a region may be cut in two from side to side, and what speaks for each place."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.seams import SNAP_PX
from ml.panels.sheet import Sheet
from ml.types import Box

# The share of a cut's length with an edge: of true ones, 99 % have more (made collages).
_LEAST_SHARE = 0.5
_MOST_CANDIDATES = 24  # a direction: a grid of 12 by 12 with both sides of each gutter
_APART_PX = 3  # two sides of a gutter closer than this are one cut
_SEGMENTS = 6  # of a cut's length, each of which should have its edge
_NEAR_PX, _FAR_PX = 3, 12  # from the cut: the strips of either side that are compared
_BESIDE = np.arange(-_NEAR_PX - 2, _NEAR_PX + 2)  # the lines of both strips and between
_MOST_ALONG = 100  # pixels of a line that are looked at, or up to twice as many
_WIDEST_GUTTER_PX = 40
_CALM = 6.0  # mean step in grey levels: JPEG noise and the texture of a canvas

FEATURES = (
    "share",  # of the length with an edge
    "worst segment",
    "second segment",
    "step",  # grey levels
    "step, to all",  # times the region's median step
    "step, to near",  # times the mean step within 20 px
    "sharpness",  # the step by all steps within 3 px: things in a photo are blurred, seams are not
    "next share",  # of the best other place
    "colour apart",  # grey levels between the strips' means
    "likeness",  # correlation of the strips along the cut
    "calmer strip",  # deviation along the cut, grey levels
    "livelier strip",
    "line",  # deviation along the calmest column or row at the cut: of a gutter 1 or 2 px wide
    "length",  # as a share of the sheet's longest side
    "position",  # 0 at the region's end, 0.5 in its middle
    "is whole",  # the region is all of the sheet
    "texture ratio",  # of the strips' gradients
    "gutter",  # pixels to the next candidate with nothing between them; 0 without one
)


@dataclass(frozen=True, slots=True)
class Cuts:
    """Candidates for cutting one region in one direction.

    Attributes:
        is_upright: whether they are columns, else rows.
        places: (N,) int64, ascending: the first column or row of the part behind the cut, in
            pixels of the work copy.
        features: (N, F) float32, see `FEATURES`.
    """

    is_upright: bool
    places: NDArray[np.int64]
    features: NDArray[np.float32]


def find_cuts(sheet: Sheet, region: Box, *, is_upright: bool) -> Cuts:
    """Return the candidates of one direction; the region is larger than a few pixels."""
    seams = sheet.seams
    shares = seams.columns(region) if is_upright else seams.rows(region)
    steps = seams.column_steps(region) if is_upright else seams.row_steps(region)
    offsets = _peaks(shares, steps)
    start = region.x0 if is_upright else region.y0
    if not len(offsets):
        return Cuts(is_upright, offsets, np.zeros((0, len(FEATURES)), np.float32))
    pixels = sheet.pixels[region.y0 : region.y1, region.x0 : region.x1]
    gradient = sheet.gradient[region.y0 : region.y1, region.x0 : region.x1]
    across = _across(gradient, is_upright=is_upright)
    length = region.height if is_upright else region.width
    features = [
        *_edge_features(offsets, shares, steps, _segments(sheet, region, is_upright=is_upright)),
        *_strip_features(offsets, pixels, is_upright=is_upright),
        np.full(len(offsets), length / max(sheet.gradient.shape)),
        np.minimum(offsets, len(shares) - 1 - offsets) / len(shares),
        np.full(len(offsets), float(region == sheet.whole)),
        _texture_ratios(offsets, across),
        _gutters(offsets, across),
    ]
    return Cuts(is_upright, offsets + start, np.stack(features, axis=1).astype(np.float32))


def _peaks(shares: NDArray[np.float32], steps: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return offsets of the likeliest cuts, ascending, at least `_APART_PX` from each other."""
    strength = np.where(shares >= _LEAST_SHARE, shares + steps / 512, 0)
    strength[: SNAP_PX + 1] = 0  # nearer to the region's own sides, these would have moved there
    strength[-SNAP_PX - 1 :] = 0
    found: list[int] = []
    while len(found) < _MOST_CANDIDATES and strength.max(initial=0) > 0:
        place = int(strength.argmax())
        found.append(place)
        strength[max(0, place - _APART_PX + 1) : place + _APART_PX] = 0
    return np.array(sorted(found), np.int64)


def _segments(sheet: Sheet, region: Box, *, is_upright: bool) -> NDArray[np.float32]:
    """Return (`_SEGMENTS`, width + 1) float32 shares of the parts of the region's lines."""
    length = region.height if is_upright else region.width
    ends = np.linspace(0, length, _SEGMENTS + 1).astype(int)
    return sheet.seams.segments(region, ends, is_upright=is_upright)


# Candidates lie at least `SNAP_PX` + 1 from both ends, so that no strip beside them is cut short.


def _edge_features(
    offsets: NDArray[np.int64],
    shares: NDArray[np.float32],
    steps: NDArray[np.float32],
    segments: NDArray[np.float32],
) -> list[NDArray[np.float32]]:
    """Return eight features, (N,) each, of the edges themselves."""
    around = offsets[:, None] + np.arange(-1, 2)
    worst = np.sort(segments[:, around].max(axis=2), axis=0)
    step = steps[around].max(axis=1)
    is_other = np.abs(offsets[:, None] - offsets) > 2 * _APART_PX
    total = np.concatenate([[0.0], np.cumsum(steps, dtype=np.float64)])
    first, last = np.maximum(offsets - 20, 0), np.minimum(offsets + 21, len(steps))
    near = (total[last] - total[first]) / (last - first)
    sharp = total[offsets + _NEAR_PX + 1] - total[offsets - _NEAR_PX]
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
    count = len(offsets)
    along = pixels if is_upright else pixels.transpose(1, 0, 2)
    along = along[:: max(1, len(along) // _MOST_ALONG)]
    # Each pixel along a cut is a row: numpy adds long rows up several times as fast as short ones.
    near = along[:, (offsets + _BESIDE[:, None]).ravel()].reshape(len(along), -1)
    near = near.astype(np.float32)
    means = near.mean(axis=0)
    near -= means
    variances = (np.einsum("lk,lk->k", near, near) / len(near)).reshape(-1, count, 3)
    even = np.sqrt(variances[_NEAR_PX:-_NEAR_PX].max(axis=2).min(axis=0))
    lines = near.reshape(len(near), -1, 3 * count)
    strips = lines[:, :_NEAR_PX].sum(axis=1), lines[:, -_NEAR_PX:].sum(axis=1)
    squares = [np.einsum("lk,lk->k", each, each).reshape(count, 3) for each in strips]
    deviations = np.sort([np.sqrt(each / len(near)).max(axis=1) for each in squares], axis=0)
    sizes = np.sqrt(squares[0].sum(axis=1) * squares[1].sum(axis=1))
    shared = np.einsum("lk,lk->k", *strips).reshape(count, 3).sum(axis=1)
    means = means.reshape(-1, count, 3)
    apart = np.abs(means[:_NEAR_PX].mean(axis=0) - means[-_NEAR_PX:].mean(axis=0)).max(axis=1)
    return [apart, shared / np.where(sizes > 0, sizes, 1), *deviations / _NEAR_PX, even]


def _across(gradient: NDArray[np.uint8], *, is_upright: bool) -> NDArray[np.float64]:
    """Return (width + 1,) sums of the columns' mean gradients, or (height + 1,) of the rows'."""
    sums = cv2.reduce(gradient, 0 if is_upright else 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()
    return np.concatenate([[0.0], np.cumsum(sums) / gradient.shape[0 if is_upright else 1]])


def _texture_ratios(offsets: NDArray[np.int64], across: NDArray[np.float64]) -> NDArray[np.float64]:
    first, last = np.maximum(offsets - _FAR_PX, 0), np.minimum(offsets + _FAR_PX, len(across) - 1)
    before = (across[offsets - 2] - across[first]) / (offsets - 2 - first)
    behind = (across[last] - across[offsets + 2]) / (last - offsets - 2)
    ratios: NDArray[np.float64] = (np.minimum(before, behind) + 1) / (
        np.maximum(before, behind) + 1
    )
    return ratios


def _gutters(offsets: NDArray[np.int64], across: NDArray[np.float64]) -> NDArray[np.float64]:
    apart = np.abs(offsets[:, None] - offsets)
    np.fill_diagonal(apart, _WIDEST_GUTTER_PX + 1)
    widths = apart.min(axis=1)
    others = offsets[apart.argmin(axis=1)]
    first, last = np.minimum(offsets, others) + 1, np.maximum(offsets, others) - 1
    between = (across[last] - across[first]) / np.maximum(last - first, 1)
    is_gutter = (widths <= _WIDEST_GUTTER_PX) & ((last <= first) | (between <= _CALM))
    return np.where(is_gutter, widths, 0)
