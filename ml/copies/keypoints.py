"""Where a picture has corners and blobs, how large each is and which way it points.

Source: Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 2004, sections 3 to
5, but the picture is not doubled first. What only the doubled picture shows, blobs of less than
1.26 pixels, is mostly noise: it is found again in no smaller copy.
"""

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

# Layers an octave, and the finest blur: pixels of standard deviation, as every blur here.
LAYERS, FINEST_BLUR = 3, 1.0
# Layers that are searched in the picture's own size; in each half of it, an octave. With one more
# than an octave here, every smaller size has blurs of 1.26 pixels and more, and is sampled finer.
_LAYERS_OF_FIRST = LAYERS + 1
# What a camera, or the shrinking of a larger picture, has blurred already.
_BLURRED_ALREADY = 0.5
# A keypoint's neighbours have to be in the picture, and the smallest size holds some keypoints.
_BORDER_PX, _SHORTEST_SIDE_PX = 2, 8
# Three eighths of OpenCV's default: soft and dark pictures have corners too, and the strongest are
# kept.
_MIN_CONTRAST = 0.015
# Differences of blurs are whole numbers, in 64ths of a grey level: half the memory to go through.
_STEPS_PER_LEVEL = 64
_MIN_STEPS = _MIN_CONTRAST / LAYERS * 255 * _STEPS_PER_LEVEL
# Along an edge a keypoint slides: so many times the one curvature may be the other. Lowe's choice.
_MAX_CURVATURE_RATIO = 10.0
# What is farther from its pixel, or its layer, is no extremum there.
_MAX_OFFSET = 0.75
_SINGULAR = 1e-9
# Of a picture, each way, that keypoints are spread over.
_PARTS_A_SIDE = 4
# Directions are counted in so many bins; every peak of this share of the highest is a direction.
_BINS, _PEAK_SHARE = 36, 0.8
# How the weight of what is around a keypoint falls, in its own blurs.
_WEIGHT_BLURS = 1.5
# So many pixels to every side are looked at; around the wider ones, every other pixel.
_PATCH_RADIUS, _WIDE_BLUR = 5, 2.3
_TURN_DEGREES = 360.0
_NEIGHBOURHOOD = np.ones((3, 3), np.uint8)

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Keypoints:
    """Keypoints of a picture, the strongest first; rows of all arrays belong together.

    Attributes:
        points: (K, 2) float64 x and y in pixels, the centre of the first pixel being (0, 0).
        sizes: (K,) float64 diameters in pixels, > 0.
        angles: (K,) float64 degrees, 0..360, clockwise from the right.
        thirds: (K,) by how many thirds of an octave the layer that each is in exceeds the finest
            blur, ≥ 1.
    """

    points: NDArray[np.float64]
    sizes: NDArray[np.float64]
    angles: NDArray[np.float64]
    thirds: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True, slots=True, eq=False)
class _ScaleSpace:
    """A picture under ever wider blurs, all octaves and layers in one row of numbers.

    Attributes:
        blurred: (N,) float32, 64ths of a grey level, by size, layer, y, x.
        differences: (M,) int16 of neighbouring layers, in the same order and unit.
        shapes: (S, 3) layers that are searched, height and width at each size of the picture, which
            halves; `differences` has two layers more, `blurred` three.
        blurred_starts: (S,) where each size starts in `blurred`.
        difference_starts: (S,) the same in `differences`.
    """

    blurred: NDArray[np.float32]
    differences: NDArray[np.int16]
    shapes: NDArray[np.intp]
    blurred_starts: NDArray[np.intp]
    difference_starts: NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class _Extrema:
    """Pixels of the scale space that are extreme among their 26 neighbours.

    Attributes:
        sizes: (K,) at which size of the picture, 0 being its own.
        pixels: (K, 3) layer, from 1, y and x, in pixels of that size.
        offsets: (K, 3) float32, how far the extremum is from there.
        contrasts: (K,) float32, > 0, in 64ths of a grey level.
    """

    sizes: NDArray[np.intp]
    pixels: NDArray[np.intp]
    offsets: NDArray[np.float32]
    contrasts: NDArray[np.float32]

    def __getitem__(self, rows: NDArray[np.intp]) -> "_Extrema":
        return _Extrema(
            self.sizes[rows], self.pixels[rows], self.offsets[rows], self.contrasts[rows]
        )


def detect(grey: NDArray[np.uint8], *, limit: int, is_spread: bool = False) -> Keypoints:
    """Return the keypoints of most contrast, at most `limit`.

    A place with several directions is several keypoints.

    Args:
        grey: (H, W) uint8, either side ≥ 1; not changed.
        limit: how many.
        is_spread: whether half of them are the strongest of each part of the picture: the strongest
            of all lie beside a small picture that was pasted into a sharp one.
    """
    space = _scale_space(grey)
    found = _refined(space, _extreme_pixels(space))
    found = found[np.argsort(-found.contrasts, kind="stable")]
    parts = _parts(found, grey.shape) if is_spread else None
    first = _strongest(len(found.sizes), parts, limit)
    found = found[first]
    if len(found.sizes) == 0:
        return Keypoints(np.empty((0, 2)), np.empty(0), np.empty(0), np.empty(0, np.intp))
    positions = found.pixels.astype(np.float64) + found.offsets
    blurs = _blurs(found.sizes, positions[:, 0])
    rows, angles = _directions(space, found, blurs)
    kept = _strongest(len(rows), None if parts is None else parts[first][rows], limit)
    rows, angles = rows[kept], angles[kept]
    scales = 2.0 ** found.sizes[rows]
    return Keypoints(
        points=positions[rows, :0:-1] * scales[:, None],
        sizes=2 * blurs[rows] * scales,
        angles=angles,
        thirds=found.pixels[rows, 0] + _thirds_before(found.sizes[rows]),
    )


def _parts(found: _Extrema, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return (K,) in which part of a picture of (height, width) each extremum is."""
    positions = found.pixels[:, 1:] * 2.0 ** found.sizes[:, None]
    cells = (positions * (_PARTS_A_SIDE / np.array(shape))).astype(np.intp)
    down, across = np.minimum(cells, _PARTS_A_SIDE - 1).T
    return np.asarray(_PARTS_A_SIDE * down + across, np.intp)


def _strongest(count: int, parts: NDArray[np.intp] | None, limit: int) -> NDArray[np.intp]:
    """Return which of `count`, the strongest first, are kept, in the same order.

    Args:
        count: how many there are.
        parts: (count,) where each is; half of the limit are the first of each part.
        limit: how many are kept at most.
    """
    if parts is None or count <= limit:
        return np.arange(min(count, limit))
    by_part = np.argsort(parts, kind="stable")
    ordered = parts[by_part]
    ranks = np.empty(count, np.intp)
    ranks[by_part] = np.arange(count) - np.searchsorted(ordered, ordered)
    is_kept = ranks < limit // 2 // _PARTS_A_SIDE**2
    is_kept[np.flatnonzero(~is_kept)[: limit - np.count_nonzero(is_kept)]] = True
    return np.flatnonzero(is_kept)


def _thirds_before(sizes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return by how many thirds of an octave the first layer at a size exceeds the finest blur."""
    return np.where(sizes > 0, _LAYERS_OF_FIRST + LAYERS * (sizes - 1), 0)


def _blurs(sizes: NDArray[np.intp], layers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (K,) the blurs of layers, or between them, in pixels of their size."""
    thirds = _thirds_before(sizes) + layers
    blurs: NDArray[np.float64] = FINEST_BLUR * 2.0 ** (thirds / LAYERS - sizes)
    return blurs


def _scale_space(grey: NDArray[np.uint8]) -> _ScaleSpace:
    shapes = [(_LAYERS_OF_FIRST, *grey.shape)]
    while min(shapes[-1][1:]) >= 2 * _SHORTEST_SIDE_PX:
        shapes.append((LAYERS, shapes[-1][1] // 2, shapes[-1][2] // 2))
    searched, heights, widths = np.array(shapes).T
    *blurred_starts, end = np.cumsum([0, *((searched + 3) * heights * widths)]).tolist()
    blurred = np.empty(end, np.float32)
    *difference_starts, end = np.cumsum([0, *((searched + 2) * heights * widths)]).tolist()
    differences = np.empty(end, np.int16)
    levels = grey * np.float32(_STEPS_PER_LEVEL)
    first = cv2.GaussianBlur(levels, (0, 0), (FINEST_BLUR**2 - _BLURRED_ALREADY**2) ** 0.5)
    for size, (count, height, width) in enumerate(shapes):
        layers = _layers(blurred, blurred_starts[size], (count + 3, height, width))
        layers[0] = first
        blurs = _blurs(np.array(size), np.arange(count + 3.0))
        for layer, missing in enumerate(np.sqrt(np.diff(blurs**2)).tolist()):
            cv2.GaussianBlur(layers[layer], (0, 0), missing, dst=layers[layer + 1])
        between = _layers(differences, difference_starts[size], (count + 2, height, width))
        rows = layers.reshape(-1, width)
        cv2.subtract(
            rows[height:], rows[:-height], dst=between.reshape(-1, width), dtype=cv2.CV_16S
        )
        first = layers[count, : height // 2 * 2 : 2, : width // 2 * 2 : 2]
    return _ScaleSpace(
        *(blurred, differences, np.array(shapes)),
        *(np.array(blurred_starts), np.array(difference_starts)),
    )


def _layers(numbers: NDArray[Number], start: int, shape: tuple[int, int, int]) -> NDArray[Number]:
    """Return the (L, H, W) layers that start somewhere in a row of numbers; a view."""
    count, height, width = shape
    return numbers[start : start + count * height * width].reshape(shape)


def _extreme_pixels(space: _ScaleSpace) -> NDArray[np.intp]:
    """Return (N, 4) size, layer, y, x of the pixels that are more, or less, than all around."""
    found = [np.empty((0, 4), np.intp)]
    for size, (count, height, width) in enumerate(space.shapes.tolist()):
        start = int(space.difference_starts[size])
        layers = _layers(space.differences, start, (count + 2, height, width))
        for layer in range(1, count + 1):
            y, x = np.divmod(_extreme(*layers[layer - 1 : layer + 2]), width)
            is_inside = (np.minimum(y, x) >= _BORDER_PX) & (
                np.minimum(height - y, width - x) > _BORDER_PX
            )
            pixels = np.stack([np.full_like(x, size), np.full_like(x, layer), y, x], axis=1)
            found.append(pixels[is_inside])
    return np.concatenate(found)


def _extreme(
    below: NDArray[np.int16], here: NDArray[np.int16], above: NDArray[np.int16]
) -> NDArray[np.intp]:
    """Return where (H, W) differences are extreme, and half of what they must be between pixels.

    As indices of the flat array.
    """
    least = int(_MIN_STEPS / 2)
    highest = cv2.dilate(cv2.max(cv2.max(below, above), here), _NEIGHBOURHOOD)
    lowest = cv2.erode(cv2.min(cv2.min(below, above), here), _NEIGHBOURHOOD)
    is_highest = cv2.compare(here, np.maximum(highest, least), cv2.CMP_GE)
    is_lowest = cv2.compare(here, np.minimum(lowest, -least), cv2.CMP_LE)
    # Far faster than of numbers.
    return np.flatnonzero(np.asarray(cv2.bitwise_or(is_highest, is_lowest)).view(np.bool_))


def _refined(space: _ScaleSpace, extreme: NDArray[np.intp]) -> _Extrema:
    """Place extrema between pixels and layers; leave out the weak ones and those on edges.

    Source: Brown, Lowe, "Invariant features from interest point groups", BMVC 2002: a parabola
    through the neighbours; one step of it, since what has to move on is found there as well.

    Args:
        space: where they are.
        extreme: (N, 4) as `_extreme_pixels` returns them.
    """
    sizes, pixels = extreme[:, 0], extreme[:, 1:]
    _, height, width = space.shapes[sizes].T
    steps = np.stack([height * width, width, np.ones_like(width)])
    at = space.difference_starts[sizes] + (pixels.T * steps).sum(axis=0)
    slopes, curvatures = _derivatives(space.differences, at, steps)
    offsets = _summits(slopes, curvatures)
    contrasts = np.abs(space.differences[at] + (slopes * offsets).sum(axis=1) / 2)
    kept = np.flatnonzero(
        (np.abs(offsets) <= _MAX_OFFSET).all(axis=1)
        & (contrasts >= _MIN_STEPS)
        & ~_is_on_edge(curvatures)
    )
    return _Extrema(sizes[kept], pixels[kept], offsets[kept], contrasts[kept])


def _derivatives(
    differences: NDArray[np.int16], at: NDArray[np.intp], steps: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (N, 3) first and (N, 3, 3) second derivatives by layer, y and x.

    Args:
        differences: flat.
        at: (N,) where in it.
        steps: (3, N) how far the next layer, row and pixel are.
    """

    def value(offset: NDArray[np.intp] | int) -> NDArray[np.float32]:
        values: NDArray[np.float32] = differences[at + offset].astype(np.float32)
        return values

    here, after, before = (
        value(0),
        [value(step) for step in steps],
        [value(-step) for step in steps],
    )
    slopes = np.stack(after, axis=1) - np.stack(before, axis=1)
    curvatures = np.empty((len(at), 3, 3), np.float32)
    for first, step in enumerate(steps):
        curvatures[:, first, first] = after[first] + before[first] - 2 * here
        for second, other in enumerate(steps[:first]):
            mixed = value(step + other) + value(-step - other)
            mixed -= value(step - other) + value(other - step)
            curvatures[:, first, second] = curvatures[:, second, first] = mixed / 4
    slopes /= 2
    return slopes, curvatures


def _summits(slopes: NDArray[np.float32], curvatures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (N, 3) where parabolas are level; far away, or 0, where they are so nowhere.

    By Cramer's rule: numpy's own solver takes four times as long for many small systems.

    Args:
        slopes: (N, 3) at 0.
        curvatures: (N, 3, 3) symmetric.
    """
    first, second, third = curvatures[:, 0], curvatures[:, 1], curvatures[:, 2]
    inverse = np.stack(
        [np.cross(second, third), np.cross(third, first), np.cross(first, second)], axis=1
    )
    determinant = (first * inverse[:, 0]).sum(axis=1, keepdims=True)
    determinant[np.abs(determinant) < _SINGULAR] = _SINGULAR
    summits: NDArray[np.float32] = -(slopes[:, :, None] * inverse).sum(axis=1) / determinant
    return summits


def _is_on_edge(curvatures: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where the picture curves much more across than along. Source: Lowe, section 4.1."""
    trace = curvatures[:, 1, 1] + curvatures[:, 2, 2]
    determinant = curvatures[:, 1, 1] * curvatures[:, 2, 2] - curvatures[:, 1, 2] ** 2
    ratio = _MAX_CURVATURE_RATIO
    is_edge: NDArray[np.bool_] = trace**2 * ratio >= (ratio + 1) ** 2 * determinant
    return is_edge


def _directions(
    space: _ScaleSpace, found: _Extrema, blurs: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return rows of extrema, in their order, and the degrees of a direction that each has.

    Source: Lowe, section 5: the peaks of a histogram of the gradient's direction.

    Args:
        space: where they are.
        found: (K,) extrema.
        blurs: (K,) of each, pixels of its size.
    """
    strides = np.where(blurs > _WIDE_BLUR, 2, 1)
    patches = _patches(space, found, strides)
    dx = patches[:, 1:-1, 2:] - patches[:, 1:-1, :-2]
    dy = patches[:, 2:, 1:-1] - patches[:, :-2, 1:-1]
    flat = (len(patches), (2 * _PATCH_RADIUS + 1) ** 2)
    lengths, angles = cv2.cartToPolar(dx.reshape(flat), dy.reshape(flat), angleInDegrees=True)
    lengths *= _weights(blurs / strides).reshape(flat)
    angles *= _BINS / _TURN_DEGREES
    # A bin more than there are, for what is rounded up to a whole turn.
    bins = np.rint(angles).astype(np.intp)
    bins += (_BINS + 1) * np.arange(len(patches))[:, None]
    summed = np.bincount(bins.ravel(), lengths.ravel(), (_BINS + 1) * len(patches))
    counts = summed.astype(np.float64, copy=False).reshape(-1, _BINS + 1)
    counts[:, 0] += counts[:, _BINS]
    return _peaks(_smoothed(counts[:, :_BINS]))


def _patches(space: _ScaleSpace, found: _Extrema, strides: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return (K, P, P) of the layers around extrema; beyond the rim, the rim goes on.

    Args:
        space: where they are.
        found: (K,) extrema.
        strides: (K,) how far apart, in pixels, each takes them.
    """
    reach = strides[:, None] * np.arange(-_PATCH_RADIUS - 1, _PATCH_RADIUS + 2)
    _, height, width = space.shapes[found.sizes].T[:, :, None]
    layer, y, x = found.pixels.T[:, :, None]
    rows = (y + reach).clip(0, height - 1) * width + layer * height * width
    rows += space.blurred_starts[found.sizes][:, None]
    columns = (x + reach).clip(0, width - 1)
    patches: NDArray[np.float32] = space.blurred[rows[:, :, None] + columns[:, None, :]]
    return patches


def _weights(blurs: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return (K, P, P) weights of pixels around extrema of (K,) blurs."""
    away = np.arange(-_PATCH_RADIUS, _PATCH_RADIUS + 1, dtype=np.float32)
    widths = blurs[:, None].astype(np.float32)
    weights: NDArray[np.float32] = np.exp(-0.5 * (away / (_WEIGHT_BLURS * widths)) ** 2)
    around: NDArray[np.float32] = weights[:, :, None] * weights[:, None, :]
    return around


def _smoothed(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (K, B) histograms of directions, each bin shared with two on either side."""
    around = np.concatenate([counts[:, -2:], counts, counts[:, :2]], axis=1)
    near, far = around[:, 1:-3] + around[:, 3:-1], around[:, :-4] + around[:, 4:]
    smoothed: NDArray[np.float64] = (6 * counts + 4 * near + far) / 16
    return smoothed


def _peaks(counts: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the row and the degrees of each high peak of (K, B) histograms, by parabolas."""
    around = np.concatenate([counts[:, -1:], counts, counts[:, :1]], axis=1)
    before, after = around[:, :-2], around[:, 2:]
    is_high = counts >= _PEAK_SHARE * counts.max(axis=1, keepdims=True)
    rows, bins = np.nonzero(is_high & (counts > before) & (counts > after))
    left, middle, right = before[rows, bins], counts[rows, bins], after[rows, bins]
    peaks = bins + 0.5 * (left - right) / (left - 2 * middle + right)
    return rows, peaks * (_TURN_DEGREES / _BINS) % _TURN_DEGREES
