"""What remains different where two pictures lie on each other: of edits little, or one thing.

The pictures are compared in their previews' detail, block by block, after exposure, contrast and
small shifts are taken out. Where either has structure and they do not correlate, they differ.
"""

from collections.abc import Callable
from dataclasses import astuple, dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.copies.features import LocalFeatures, shrunk
from ml.copies.homography import Homography
from ml.copies.laying import hull, same_scale

# Blocks that are compared: 3 × 3 cells of 3 pixels of the coarser preview, two letters of small
# print. A block a cell, so that they overlap.
_CELL_PX, _BLOCK_CELLS = 3, 3
# A homography of inliers that are off by one pixel in 256 shifts a block by so much at most.
_SHIFTS_PX = ((0, 0), (-1, 0), (0, -1), (0, 1), (1, 0))
_MAX_SHIFT_PX = 1
# Levels of 255: what compression leaves of plain ground; more is structure.
_NOISE, _MIN_STRUCTURE = 3.0, 7.0
# Correlation of two blocks: above, they show the same; what both show strongly shows it better.
_SAME, _WELL, _STRONG = 0.5, 0.75, 18.0
# So much of a tile has to hold something.
_TILES, _MIN_TILE = 4, 0.004
# Levels of 255 that are one tone.
_TONE = 8
# Differences that are nearer to each other than this are one.
_GAP_CELLS = 3
_MIN_CELLS = 16
# Levels of 255 that colours are apart after brightness and contrast: quite another colour.
_RECOLOURED = 40.0
# What saving again leaves, of the overlap and in levels of 255.
_MAX_LARGEST, _MAX_DIFFERENT = 0.004, 0.01
_MAX_COLOUR, _MAX_RECOLOURED = 10.0, 0.01
# Colours are compared in so much of the preview's detail.
_COLOUR_DETAIL = 0.25
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
        half_different: as `different`, in half of the detail, where a blurred copy shows the same.
        half_largest: as `largest`, there.
        half_correlation: as `correlation`, there.
        half_worst_tile: as `worst_tile`, there.
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
    half_different: float
    half_largest: float
    half_correlation: float
    half_worst_tile: float

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


_Preview = tuple[NDArray[np.uint8], LocalFeatures]

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
    above, below = ((each.preview_pixels(), each) for each in (query, candidate))
    pair = _lay(above, below, homography)
    if pair is None or (area := int(pair.core.sum())) < _MIN_CELLS:
        return None
    core = pair.core
    found, half = _compared(pair), _compared(pair.halved())
    largest, count, fill = _largest(found.different)
    agreeing = found.structured & ~found.different
    is_strong = (np.minimum(found.contrast_above, found.contrast_below) > _STRONG) & core
    reached = hull(core.shape, inliers * pair.zoom) & core
    tiles, half_tiles = found.tiles(), half.tiles()
    contrast = float(found.contrast_below[agreeing].mean()) if agreeing.any() else 1.0
    off = _colour_differences(above, below, homography)
    tones = np.bincount(_cells(pair.below)[core].astype(np.intp) // _TONE)
    in_query, in_candidate = (
        (contrast > _MIN_STRUCTURE) & core
        for contrast in (found.contrast_above, found.contrast_below)
    )
    return Differences(
        structured=float(found.structured.sum() / area),
        different=_share(found.different, found.structured),
        different_area=float(found.different.sum() / area),
        largest=largest / area,
        count=float(np.log2(1 + count)),
        in_both=_share(found.different & in_query & in_candidate, found.different),
        in_query=_share(found.different & ~in_candidate, found.different),
        query_found=_share(in_query & ~found.different, in_query),
        candidate_found=_share(in_candidate & ~found.different, in_candidate),
        among_inliers=_share(found.different & reached, found.structured & reached),
        hull=float(reached.sum() / area),
        correlation=found.mean_correlation(),
        strong=_share(is_strong & (found.correlation < _WELL), is_strong),
        worst_tile=tiles[0],
        low_tile=tiles[len(tiles) // 4],
        plain=float(tones.max() / area),
        spread=_spread(found.different, found.structured),
        fill=fill,
        contrast=float(np.log2(max(contrast, 1.0) / 16)),
        colour=float(off.mean()) if len(off) else 0.0,
        recoloured=float((off > _RECOLOURED).mean()) if len(off) else 0.0,
        scale=float(np.log2(area**0.5 / 32)),
        half_different=_share(half.different, half.structured),
        half_largest=_largest(half.different)[0] / max(int(half.core.sum()), 1),
        half_correlation=half.mean_correlation(),
        half_worst_tile=half_tiles[0],
    )


@dataclass(frozen=True, slots=True, eq=False)
class _LaidPreviews:
    """Two pictures in the same pixels, h × w of them, and in cells of `_CELL_PX`.

    Attributes:
        above: (h, w) float32, the query's luma.
        below: (h, w) float32, the candidate's.
        whole: (h / cell, w / cell) bool: cells that both show all of.
        core: of these, those with all that is compared for them.
        zoom: (2,) cells for a pixel of the candidate, across and down.
    """

    above: NDArray[np.float32]
    below: NDArray[np.float32]
    whole: NDArray[np.bool_]
    core: NDArray[np.bool_]
    zoom: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        above: NDArray[np.float32],
        below: NDArray[np.float32],
        whole: NDArray[np.bool_],
        zoom: NDArray[np.float64],
    ) -> "_LaidPreviews":
        """Return the pair with its core."""
        kernel = np.ones((_BLOCK_CELLS, _BLOCK_CELLS), np.uint8)
        core = cv2.erode(whole.astype(np.uint8), kernel, borderValue=0).astype(bool)
        return cls(above, below, whole, core, zoom)

    def halved(self) -> "_LaidPreviews":
        """Return the pair in half of the detail."""
        above, below, whole = (
            _shrunk(each, 2) for each in (self.above, self.below, self.whole.astype(np.float32))
        )
        return _LaidPreviews.of(above, below, whole == 1, self.zoom / 2)


@dataclass(frozen=True, slots=True, eq=False)
class _ComparedCells:
    """What two pictures show, cell by cell; all are (h, w).

    Attributes:
        core: bool, the cells that are compared.
        contrast_above: float32, of the query's block there, levels of 255.
        contrast_below: float32, of the candidate's.
        correlation: float32, of the two, -1..1.
        structured: bool, where either shows something.
        different: bool, of these, where they do not show the same.
    """

    core: NDArray[np.bool_]
    contrast_above: NDArray[np.float32]
    contrast_below: NDArray[np.float32]
    correlation: NDArray[np.float32]
    structured: NDArray[np.bool_]
    different: NDArray[np.bool_]

    def mean_correlation(self) -> float:
        """Return the mean over what is structured, 1 where nothing is."""
        return float(self.correlation[self.structured].mean()) if self.structured.any() else 1.0

    def tiles(self) -> list[float]:
        """Return the mean correlation of each tile with structure, ascending; 1 where none has."""
        weights = self.structured.astype(np.float32)
        held, sums = (_in_tiles(each) for each in (weights, weights * self.correlation))
        is_held = held > _MIN_TILE
        return sorted((sums[is_held] / held[is_held]).tolist()) or [1.0]


def _lay(first: _Preview, second: _Preview, homography: Homography) -> _LaidPreviews | None:
    """Lay the query on the candidate; None where that is not even a cell wide."""
    pair = same_scale(_luma(*first), _luma(*second), homography)
    above, is_shown = pair.laid()
    # In whole cells, at half of the detail too.
    step = 2 * _CELL_PX
    height, width = (side // step * step for side in pair.below.shape)
    if not height or not width:
        return None
    part = np.s_[:height, :width]
    return _LaidPreviews.of(
        above[part].astype(np.float32),
        pair.below[part].astype(np.float32),
        _cells(is_shown[part].astype(np.float32)) == 1,
        pair.zoom / _CELL_PX,
    )


def _luma(pixels: NDArray[np.uint8], features: LocalFeatures) -> _Preview:
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False), features


def _compared(pair: _LaidPreviews) -> _ComparedCells:
    """Return what both show, where a shift of a pixel may make them more alike."""
    height, width = pair.below.shape
    wide = np.pad(pair.above, _MAX_SHIFT_PX, mode="edge")
    # Of all shifts at once, since a block may begin anywhere.
    around_pixels = _moments(wide, _means_around)
    mean, variance = _moments(pair.below, _block_means)
    contrast_above = np.sqrt(_at_cells(around_pixels[1], (0, 0), height, width))
    correlation = np.full(mean.shape, -1.0, np.float32)
    for shift in _SHIFTS_PX:
        shifted = _shifted(wide, shift, height, width)
        other_mean, other_variance = (
            _at_cells(each, shift, height, width) for each in around_pixels
        )
        covariance = _block_means(shifted * pair.below) - mean * other_mean
        lengths = np.sqrt((variance + _NOISE**2) * (other_variance + _NOISE**2))
        np.maximum(correlation, covariance / lengths, out=correlation)
    contrast_below = np.sqrt(variance)
    structured = (np.maximum(contrast_above, contrast_below) > _MIN_STRUCTURE) & pair.core
    different = structured & (correlation <= _SAME)
    contrasts = contrast_above, contrast_below
    return _ComparedCells(pair.core, *contrasts, correlation, structured, different)


def _cells(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means of cells of `_CELL_PX` a side."""
    return _shrunk(pixels, _CELL_PX)


def _shrunk(pixels: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    size = (pixels.shape[1] // factor, pixels.shape[0] // factor)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)


def _shifted(
    wide: NDArray[np.float32], shift: tuple[int, int], height: int, width: int
) -> NDArray[np.float32]:
    """Return (height, width) of what is wider by a rim of `_MAX_SHIFT_PX`."""
    down, across = (pixels + _MAX_SHIFT_PX for pixels in shift)
    return wide[down : down + height, across : across + width]


def _at_cells(
    wide: NDArray[np.float32], shift: tuple[int, int], height: int, width: int
) -> NDArray[np.float32]:
    """Return the values at the middles of the cells."""
    middle = _CELL_PX // 2
    return _shifted(wide, shift, height, width)[middle::_CELL_PX, middle::_CELL_PX]


def _moments(
    grey: NDArray[np.float32], means: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean and the variance of blocks."""
    mean = means(grey)
    return mean, np.maximum(means(grey * grey) - mean * mean, 0)


def _block_means(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of the block around each cell."""
    block = (_BLOCK_CELLS, _BLOCK_CELLS)
    means = cv2.blur(_cells(values), block, borderType=cv2.BORDER_REFLECT)
    return means.astype(np.float32, copy=False)


def _means_around(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of the block around each pixel."""
    side = _BLOCK_CELLS * _CELL_PX
    return cv2.blur(values, (side, side)).astype(np.float32, copy=False)


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


def _colour_differences(
    first: _Preview, second: _Preview, homography: Homography
) -> NDArray[np.float32]:
    """Return (N,): how far colours are apart after brightness and contrast, levels of 255."""
    small, other = ((shrunk(pixels, _COLOUR_DETAIL), of) for pixels, of in (first, second))
    pair = same_scale(small, other, homography)
    above, is_common = pair.laid()
    ours, theirs = (each[is_common].astype(np.float32) for each in (above, pair.below))
    if not len(ours):
        return np.empty(0, np.float32)
    luma, other_luma = ours @ _LUMA, theirs @ _LUMA
    gain = float(other_luma.std()) / max(float(luma.std()), 1.0)
    off = (ours - luma.mean()) * min(max(gain, 0.25), 4.0) + other_luma.mean() - theirs
    apart: NDArray[np.float32] = np.abs(off - (off @ _LUMA)[:, None]).max(axis=1)
    return apart


def _spread(different: NDArray[np.bool_], structured: NDArray[np.bool_]) -> float:
    parts = [_in_tiles(mask.astype(np.float32)) > _MIN_TILE for mask in (different, structured)]
    return _share(*parts)


def _in_tiles(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means of `_TILES` × `_TILES` tiles."""
    means = cv2.resize(values, (_TILES, _TILES), interpolation=cv2.INTER_AREA)
    return means.astype(np.float32, copy=False)


def _share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float:
    count = int(whole.sum())
    return int(part.sum()) / count if count else 0.0
