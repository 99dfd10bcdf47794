"""What remains different where two pictures lie on each other: of edits little, or one thing.

The pictures are compared in their previews' detail, block by block, after exposure, contrast and
small shifts are taken out. Where either has structure and they do not correlate, they differ.
"""

from dataclasses import astuple, dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.copies.features import LocalFeatures
from ml.copies.homography import Homography
from ml.copies.laying import hull, same_scale

# Blocks that are compared: 3 × 3 cells of 3 pixels of the coarser preview, two letters of small
# print. A block a cell, so that they overlap.
_CELL_PX, _BLOCK_CELLS = 3, 3
# A homography of inliers that are off by one pixel in 256 shifts a block by so much at most.
_MAX_SHIFT_PX = 1
# Levels of 255: what compression leaves of plain ground; more is structure.
_NOISE, _MIN_STRUCTURE = 3.0, 7.0
# Correlation of two blocks: above, they show the same; what both show strongly shows it better.
_SAME, _WELL, _STRONG = 0.5, 0.75, 18.0
# So much of a tile has to hold something.
_TILES, _MIN_TILE = 4, 0.004
# Differences that are nearer to each other than this are one.
_GAP_CELLS = 3
_MIN_CELLS = 16
# Levels of 255 that colours are apart after brightness and contrast: quite another colour.
_RECOLOURED = 40.0
# What saving again leaves, of the overlap and in levels of 255.
_MAX_LARGEST, _MAX_DIFFERENT = 0.004, 0.01
_MAX_COLOUR, _MAX_RECOLOURED = 10.0, 0.01
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs where two pictures overlap; shares are 0..1.

    Attributes:
        structured: of the overlap, where either shows something.
        different: of what is structured, where they do not show the same.
        different_area: of the overlap.
        largest: the largest connected difference, of the overlap.
        count: connected differences, log2 of one more.
        in_both: of the differences, where both show something.
        in_query: of the differences, where only the query does.
        query_found: of the query's structure, where the candidate shows the same.
        candidate_found: of the candidate's structure, where the query shows the same.
        among_inliers: of what is structured within the inliers' hull, what differs.
        hull: the inliers' hull, of the overlap.
        correlation: mean over what is structured, -1..1.
        strong: of what both show strongly, where they do not correlate well.
        worst_tile: the lowest mean correlation in one of 4 × 4 tiles.
        low_tile: the lowest but a quarter of them.
        plain: of the overlap, how much has the commonest tone.
        spread: of 4 × 4 tiles with structure, how many hold a difference.
        fill: of its upright box, how much the largest difference fills.
        contrast: log2 of the mean contrast of what agrees over 16 levels.
        colour: mean difference of colours, after brightness and contrast, levels of 255.
        recoloured: of the overlap, where the colour is quite another.
        scale: log2 of the overlap's side over 64 pixels.
    """

    structured: float
    different: float
    different_area: float
    largest: float
    count: float
    in_both: float
    in_query: float
    query_found: float
    candidate_found: float
    among_inliers: float
    hull: float
    correlation: float
    strong: float
    worst_tile: float
    low_tile: float
    plain: float
    spread: float
    fill: float
    contrast: float
    colour: float
    recoloured: float
    scale: float

    def are_none(self) -> bool:
        """Whether they look the same to the eye: no connected difference, no other colour."""
        return (
            self.largest <= _MAX_LARGEST
            and self.different_area <= _MAX_DIFFERENT
            and self.colour <= _MAX_COLOUR
            and self.recoloured <= _MAX_RECOLOURED
        )

    def row(self) -> NDArray[np.float32]:
        """Return (F,) float32, the attributes in their order."""
        return np.array(astuple(self), np.float32)


NAMES = tuple(field.name for field in fields(Differences))


def differences(
    query: LocalFeatures,
    candidate: LocalFeatures,
    homography: Homography,
    inliers: NDArray[np.float64],
) -> Differences | None:
    """Return what differs; None where they have too little in common.

    Args:
        query: mirrored where it lies mirrored.
        candidate: of the other picture.
        homography: from the query to the candidate.
        inliers: (K, 2) points of the candidate that agree with it.
    """
    pair = _lay(query, candidate, homography)
    area = int(pair.core.sum())
    if area < _MIN_CELLS:
        return None
    core, correlation = pair.core, _correlations(pair)
    ours, theirs = (_contrast(grey) for grey in (pair.above, pair.below))
    is_ours, is_theirs = (contrast > _MIN_STRUCTURE for contrast in (ours, theirs))
    structured = (is_ours | is_theirs) & core
    is_same = correlation > _SAME
    different = structured & ~is_same
    agreeing = structured & is_same
    is_strong = (np.minimum(ours, theirs) > _STRONG) & core
    largest, count, fill = _largest(different)
    reached = hull(core.shape, inliers * pair.zoom) & core
    tiles = _tiles(correlation, structured)
    off = _colour_differences(pair)
    tones = np.bincount(pair.colours_below[core].mean(axis=1).astype(np.intp) // 8)
    contrast = float(theirs[agreeing].mean()) if agreeing.any() else 1.0
    return Differences(
        structured=float(structured.sum() / area),
        different=_share(different, structured),
        different_area=float(different.sum() / area),
        largest=largest / area,
        count=float(np.log2(1 + count)),
        in_both=_share(different & is_ours & is_theirs, different),
        in_query=_share(different & ~is_theirs, different),
        query_found=_share(is_ours & is_same & core, is_ours & core),
        candidate_found=_share(is_theirs & is_same & core, is_theirs & core),
        among_inliers=_share(different & reached, structured & reached),
        hull=float(reached.sum() / area),
        correlation=float(correlation[structured].mean()) if structured.any() else 1.0,
        strong=_share(is_strong & (correlation < _WELL), is_strong),
        worst_tile=tiles[0],
        low_tile=tiles[len(tiles) // 4],
        plain=float(tones.max() / area),
        spread=_spread(different, structured),
        fill=fill,
        contrast=float(np.log2(max(contrast, 1.0) / 16)),
        colour=float(off[core].mean()),
        recoloured=float((off[core] > _RECOLOURED).mean()),
        scale=float(np.log2(area**0.5 / 32)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _LaidPair:
    """Two pictures in the same pixels, h × w of them, and in cells of `_CELL_PX`.

    Attributes:
        above: (h, w) float32, the query's luma.
        below: (h, w) float32, the candidate's.
        colours_above: (h / cell, w / cell, 3) float32, the query's.
        colours_below: the candidate's.
        core: (h / cell, w / cell) bool: cells that both show, with all that is compared for them.
        zoom: (2,) cells for a pixel of the candidate, across and down.
    """

    above: NDArray[np.float32]
    below: NDArray[np.float32]
    colours_above: NDArray[np.float32]
    colours_below: NDArray[np.float32]
    core: NDArray[np.bool_]
    zoom: NDArray[np.float64]


def _lay(query: LocalFeatures, candidate: LocalFeatures, homography: Homography) -> _LaidPair:
    """Lay the query on the candidate; the finer one is shrunk to the other's scale first."""
    previews = (query.preview_pixels(), query), (candidate.preview_pixels(), candidate)
    pair = same_scale(*previews, homography)
    above, below, matrix = pair.above, pair.below, pair.matrix
    width, height = (max(1, side // _CELL_PX) * _CELL_PX for side in below.shape[1::-1])
    inside = np.full((*above.shape[:2], 1), 255, np.uint8)
    laid, shown = (
        cv2.warpPerspective(each, matrix, (width, height), borderMode=mode).astype(np.uint8)
        for each, mode in ((above, cv2.BORDER_REPLICATE), (inside, cv2.BORDER_CONSTANT))
    )
    below = cv2.copyMakeBorder(
        below[:height, :width],
        *(0, height - min(height, len(below)), 0, width - min(width, below.shape[1])),
        cv2.BORDER_REPLICATE,
    ).astype(np.uint8, copy=False)
    kernel = np.ones((_BLOCK_CELLS, _BLOCK_CELLS), np.uint8)
    whole = (_cells(shown) == 255).astype(np.uint8)  # noqa: PLR2004 - all of it
    return _LaidPair(
        above=cv2.cvtColor(laid, cv2.COLOR_RGB2GRAY).astype(np.float32),
        below=cv2.cvtColor(below, cv2.COLOR_RGB2GRAY).astype(np.float32),
        colours_above=_cells(laid),
        colours_below=_cells(below),
        core=cv2.erode(whole, kernel, borderValue=0).astype(bool),
        zoom=pair.zoom / _CELL_PX,
    )


def _cells(pixels: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means of cells of `_CELL_PX` a side."""
    size = (pixels.shape[1] // _CELL_PX, pixels.shape[0] // _CELL_PX)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)


def _correlations(pair: _LaidPair) -> NDArray[np.float32]:
    """Return, for each cell, the best correlation of its block with one shifted a little, -1..1."""
    height, width = pair.below.shape
    rim = _MAX_SHIFT_PX
    wide = np.pad(pair.above, rim, mode="edge")
    mean, variance = _moments(pair.below)
    best = np.full(mean.shape, -1.0, np.float32)
    for down in range(2 * rim + 1):
        for across in range(2 * rim + 1):
            shifted = wide[down : down + height, across : across + width]
            other_mean, other_variance = _moments(shifted)
            covariance = _block_means(shifted * pair.below) - mean * other_mean
            lengths = np.sqrt((variance + _NOISE**2) * (other_variance + _NOISE**2))
            np.maximum(best, covariance / lengths, out=best)
    return best


def _contrast(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the standard deviation in each cell's block."""
    return np.sqrt(_moments(grey)[1])


def _moments(grey: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    mean = _block_means(grey)
    return mean, np.maximum(_block_means(grey * grey) - mean * mean, 0)


def _block_means(values: NDArray[np.float32]) -> NDArray[np.float32]:
    block = (_BLOCK_CELLS, _BLOCK_CELLS)
    means = cv2.blur(_cells(values), block, borderType=cv2.BORDER_REFLECT)
    return means.astype(np.float32, copy=False)


def _largest(different: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Return the largest difference's pixels, how many there are, and how much fills its box."""
    kernel = np.ones((_GAP_CELLS, _GAP_CELLS), np.uint8)
    near = cv2.dilate(different.astype(np.uint8), kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(near)
    if count == 1:
        return 0, 0, 0.0
    sizes = np.bincount(labels[different], minlength=count)
    first = int(sizes.argmax())
    _, _, width, height, pixels = stats[first]
    return int(sizes[first]), count - 1, float(pixels / (width * height))


def _colour_differences(pair: _LaidPair) -> NDArray[np.float32]:
    """Return how far each cell's colours are apart after brightness and contrast, levels of 255."""
    ours, theirs = (
        colours[pair.core] @ _LUMA for colours in (pair.colours_above, pair.colours_below)
    )
    gain = float(theirs.std()) / max(float(ours.std()), 1.0)
    moved = (pair.colours_above - ours.mean()) * min(max(gain, 0.25), 4.0) + theirs.mean()
    off = moved - pair.colours_below
    apart: NDArray[np.float32] = np.abs(off - (off @ _LUMA)[..., None]).max(axis=2)
    return apart


def _tiles(correlation: NDArray[np.float32], structured: NDArray[np.bool_]) -> list[float]:
    """Return the mean correlation of each tile with structure, ascending; 1 where none has any."""
    weights = structured.astype(np.float32)
    size = (_TILES, _TILES)
    held = cv2.resize(weights, size, interpolation=cv2.INTER_AREA)
    sums = cv2.resize(weights * correlation, size, interpolation=cv2.INTER_AREA)
    is_held = held > _MIN_TILE
    return sorted((sums[is_held] / held[is_held]).tolist()) or [1.0]


def _spread(different: NDArray[np.bool_], structured: NDArray[np.bool_]) -> float:
    size = (_TILES, _TILES)
    parts = [
        cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > _MIN_TILE
        for mask in (different, structured)
    ]
    return _share(*parts)


def _share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float:
    count = int(whole.sum())
    return int(part.sum()) / count if count else 0.0
