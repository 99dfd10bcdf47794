"""Where a region may be cut in two from side to side, and what speaks for each place."""

from dataclasses import dataclass
from itertools import pairwise

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
    if not is_upright:
        pixels, gradient = pixels.transpose(1, 0, 2), gradient.T
    segments = _segments(sheet, region, is_upright=is_upright)
    rows = [
        [
            *_edge_features(offset, shares, steps, offsets, segments),
            *_strip_features(offset, pixels),
            pixels.shape[0] / max(sheet.gradient.shape),
            min(offset, len(shares) - 1 - offset) / len(shares),
            float(region == sheet.whole),
            _texture_ratio(offset, gradient),
            _gutter(offset, offsets, gradient),
        ]
        for offset in offsets
    ]
    return Cuts(is_upright, offsets + start, np.array(rows, np.float32))


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
    parts = []
    for start, stop in pairwise(ends):
        if is_upright:
            part = Box(region.x0, region.y0 + start, region.x1, region.y0 + stop)
            parts.append(sheet.seams.columns(part))
        else:
            part = Box(region.x0 + start, region.y0, region.x0 + stop, region.y1)
            parts.append(sheet.seams.rows(part))
    return np.stack(parts)


def _edge_features(
    offset: int,
    shares: NDArray[np.float32],
    steps: NDArray[np.float32],
    offsets: NDArray[np.int64],
    segments: NDArray[np.float32],
) -> list[float]:
    around = slice(max(0, offset - 1), offset + 2)
    worst = np.sort(segments[:, around].max(axis=1))
    step = float(steps[around].max())
    near = steps[max(0, offset - 20) : offset + 21]
    others = np.abs(offsets - offset) > 2 * _APART_PX
    return [
        float(shares[around].max()),
        float(worst[0]),
        float(worst[1]),
        step,
        step / (float(np.median(steps)) + 1.0),
        step / (float(near.mean()) + 1.0),
        step / (float(steps[max(0, offset - _NEAR_PX) : offset + _NEAR_PX + 1].sum()) + 1.0),
        float(shares[offsets[others]].max(initial=0.0)),
    ]


def _strip_features(offset: int, pixels: NDArray[np.uint8]) -> list[float]:
    before = pixels[:, max(0, offset - _NEAR_PX - 2) : max(1, offset - 2)]
    behind = pixels[:, min(pixels.shape[1] - 1, offset + 2) : offset + 2 + _NEAR_PX]
    left = before.reshape(len(pixels), -1, 3).mean(axis=1)
    right = behind.reshape(len(pixels), -1, 3).mean(axis=1)
    deviations = sorted((float(left.std(axis=0).max()), float(right.std(axis=0).max())))
    centred = (left - left.mean(axis=0)).ravel(), (right - right.mean(axis=0)).ravel()
    sizes = float(np.linalg.norm(centred[0]) * np.linalg.norm(centred[1]))
    likeness = float(centred[0] @ centred[1]) / sizes if sizes > 0 else 0.0
    apart = float(np.abs(left.mean(axis=0) - right.mean(axis=0)).max())
    return [apart, likeness, *deviations]


def _texture_ratio(offset: int, gradient: NDArray[np.uint8]) -> float:
    before = gradient[:, max(0, offset - _FAR_PX) : max(1, offset - 2)]
    behind = gradient[:, min(gradient.shape[1] - 1, offset + 2) : offset + _FAR_PX]
    low, high = sorted((cv2.mean(before)[0], cv2.mean(behind)[0]))
    return (low + 1.0) / (high + 1.0)


def _gutter(offset: int, offsets: NDArray[np.int64], gradient: NDArray[np.uint8]) -> float:
    apart = np.abs(offsets - offset)
    apart[apart == 0] = _WIDEST_GUTTER_PX + 1
    width = int(apart.min())
    if width > _WIDEST_GUTTER_PX:
        return 0.0
    other = int(offsets[apart.argmin()])
    between = gradient[:, min(offset, other) + 1 : max(offset, other) - 1]
    is_calm = between.size == 0 or cv2.mean(between)[0] <= _CALM
    return float(width) if is_calm else 0.0
