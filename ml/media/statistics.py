"""What the pixels of a picture say of how it was made, whatever it shows."""

import cv2
import numpy as np
from numpy.typing import NDArray

# The picture is looked at in at most so many pixels a side: noise and JPEG blocks of large ones
# are gone then, lines of a pen are not.
_SIDE_PX = 256
_COLOUR_BINS = 16  # a channel
_MAX_PAGE_LEVELS = 10  # that a pixel of the page is off the border's commonest colour
_STEPS = (0, 1, 3, 6, 12, 24, 48, 96)  # grey levels between neighbours
_TILE_PX = 8
MIN_SIDE_PX = 32  # of a picture that something can be told of
_BANDS = 4
_GREY_CHROMA = 16  # levels between a pixel's channels, of which none is told
_LINE_PX = (3, 7)  # what is narrower is a line
_MIN_LINE_LEVELS = 40
_PERCENTILES = (5, 25, 50, 75, 95)
_WHITE, _BLACK, _MIDDLE = 245, 16, (64, 192)  # grey levels

NAMES = (
    *("page", "white", "black", "paper_luma", "mean", "deviation"),
    *("colours_top", "colours_top_2", "colours_top_4", "colours_top_8", "colours_top_16"),
    *("colours", "colours_90", "entropy"),
    *("ink_top", "ink_top_4", "ink_entropy", "ink_grey", "ink_saturation", "ink_saturated"),
    *("grey", "chroma", "chroma_deviation", "saturation_95"),
    *(f"step_{each}" for each in _STEPS),
    *(f"ink_step_{each}" for each in _STEPS),
    *(f"tile_{each}" for each in _PERCENTILES),
    *(f"tile_chroma_{each}" for each in _PERCENTILES),
    *(f"band_{each}" for each in range(_BANDS)),
    *(f"band_peaks_{each}" for each in range(_BANDS)),
    *("noise", "ink_noise", "chroma_noise"),
    *(f"dark_lines_{each}" for each in _LINE_PX),
    *(f"light_lines_{each}" for each in _LINE_PX),
    *("middle_tones", "along", "along_ink"),
)


def features(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (F,) float32, finite: see `NAMES`.

    *Ink* is what is not of the colour of the picture's border, where that has one.

    Args:
        pixels: (H, W, 3) uint8 RGB, at least one pixel.
    """
    small = _small(pixels)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
    chroma = _chroma(small)
    is_page = _is_page(small)
    ink = ~is_page if np.count_nonzero(~is_page) >= _TILE_PX**2 else np.ones_like(is_page)
    values = [
        *(is_page.mean(), (grey > _WHITE).mean(), (grey < _BLACK).mean(), np.percentile(grey, 90)),
        *(grey.mean(), grey.std()),
        *_colours(small, ink),
        *_saturation(chroma, ink),
        *_steps(small, ink),
        *_tiles(grey),
        *_tiles(np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), np.uint8)[..., 1]),
        *_bands(grey),
        *_noise(small, grey, ink),
        *_lines(grey),
        ((grey > _MIDDLE[0]) & (grey < _MIDDLE[1])).mean(),
        *_coherence(grey, ink),
    ]
    return np.nan_to_num(np.array(values, np.float32))


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = _SIDE_PX / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    # Of less than a tile nothing can be said; enlarging it adds nothing.
    height, width = (max(0, _TILE_PX - side) for side in pixels.shape[:2])
    return np.pad(pixels, ((0, height), (0, width), (0, 0)), mode="edge")


def _is_page(small: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return (H, W) whether a pixel has the border's median colour."""
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    colour = np.median(border, axis=0)
    lowest, highest = (
        np.clip(colour + off, 0, 255) for off in (-_MAX_PAGE_LEVELS, _MAX_PAGE_LEVELS)
    )
    return np.asarray(cv2.inRange(small, lowest, highest)) > 0


def _chroma(small: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W) levels between the channels of each pixel."""
    red, green, blue = cv2.split(small)
    highest, lowest = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    return np.asarray(cv2.subtract(highest, lowest), np.uint8)


def _saturation(chroma: NDArray[np.uint8], ink: NDArray[np.bool_]) -> list[float]:
    """Return the features of ink's chroma, and of all of it."""
    levels = np.arange(256)
    inside, all_of_it = (
        np.bincount(each, minlength=256) / each.size for each in (chroma[ink], chroma.ravel())
    )
    mean = float(all_of_it @ levels)
    return [
        *(inside[:_GREY_CHROMA].sum(), inside @ levels, inside[129:].sum()),
        *(all_of_it[:_GREY_CHROMA].sum(), mean, np.sqrt(all_of_it @ (levels - mean) ** 2)),
        float(np.searchsorted(np.cumsum(all_of_it), 0.95)),
    ]


def _colours(small: NDArray[np.uint8], ink: NDArray[np.bool_]) -> list[float]:
    bins = (small // (256 // _COLOUR_BINS)).astype(np.int32)
    index = (bins[..., 0] * _COLOUR_BINS + bins[..., 1]) * _COLOUR_BINS + bins[..., 2]
    shares, ink_shares = (_shares(each) for each in (index.ravel(), index[ink]))
    summed = np.cumsum(shares)
    tops = [float(summed[min(count, len(summed)) - 1]) for count in (1, 2, 4, 8, 16)]
    ink_tops = [float(ink_shares[:count].sum()) for count in (1, 4)]
    return [
        *tops,
        np.log2(len(shares)),
        np.log2(1 + np.searchsorted(summed, 0.9)),
        _entropy(shares),
        *ink_tops,
        _entropy(ink_shares),
    ]


def _shares(index: NDArray[np.int32]) -> NDArray[np.float64]:
    counts = np.bincount(index)
    return np.sort(counts[counts > 0])[::-1] / index.size


def _entropy(shares: NDArray[np.float64]) -> float:
    return float(-(shares * np.log2(shares)).sum())


def _steps(small: NDArray[np.uint8], ink: NDArray[np.bool_]) -> list[float]:
    """Return the shares of pixels, and of ink, that differ from the next by at most so much."""
    across = cv2.absdiff(small[:-1, 1:], small[:-1, :-1])
    down = cv2.absdiff(small[1:, :-1], small[:-1, :-1])
    red, green, blue = cv2.split(cv2.max(across, down))
    step = np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)
    inside = step[ink[:-1, :-1]]
    shares = []
    for each in (step.ravel(), inside if inside.size else step.ravel()):
        summed = np.cumsum(np.bincount(each, minlength=256)) / each.size
        shares += [float(summed[most]) for most in _STEPS]
    return shares


def _tiles(channel: NDArray[np.uint8]) -> list[float]:
    """Return how deviations within small tiles are distributed."""
    rows, columns = (side // _TILE_PX for side in channel.shape)
    cut = channel[: rows * _TILE_PX, : columns * _TILE_PX].astype(np.float32)
    deviations = cut.reshape(rows, _TILE_PX, columns, _TILE_PX).std(axis=(1, 3))
    return [float(each) for each in np.percentile(deviations, _PERCENTILES)]


def _bands(grey: NDArray[np.uint8]) -> list[float]:
    """Return the deviation of each octave of detail, and how far it is a matter of few places."""
    deviations, peaks = [], []
    level = grey.astype(np.float32)
    for _ in range(_BANDS):
        if min(level.shape) < _TILE_PX:
            level = np.asarray(cv2.resize(level, (_TILE_PX, _TILE_PX)), np.float32)
        blurred = cv2.GaussianBlur(level, (5, 5), 1.0)
        detail = np.abs(level - blurred)
        power = float(np.sqrt((detail**2).mean()))
        deviations.append(power)
        peaks.append(float(detail.mean()) / (power + 1e-3))
        level = np.asarray(blurred, np.float32)[::2, ::2]
    return [*deviations, *peaks]


def _noise(
    small: NDArray[np.uint8], grey: NDArray[np.uint8], ink: NDArray[np.bool_]
) -> list[float]:
    """Return the noise of brightness, of that in ink, and of colour, in levels.

    Source: the mask of Immerkær, "Fast noise variance estimation", CVIU 1996; medians instead of
    means, so that edges do not count.
    """
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
    off = np.abs(cv2.filter2D(grey, cv2.CV_32F, mask))
    red, green = small[..., 0].astype(np.float32), small[..., 1].astype(np.float32)
    colour = np.abs(cv2.filter2D(red - green, cv2.CV_32F, mask))
    return [_median(off), _median(off[ink]), _median(colour)]


def _median(values: NDArray[np.float32]) -> float:
    # Of every other pixel: as good, in half of the time.
    return float(np.median(values.ravel()[::2]))


def _lines(grey: NDArray[np.uint8]) -> list[float]:
    """Return the shares of narrow dark and narrow light lines."""
    shares = []
    for operation in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT):
        for width in _LINE_PX:
            kernel = np.ones((width, width), np.uint8)
            hat = np.asarray(cv2.morphologyEx(grey, operation, kernel))
            shares.append(float((hat > _MIN_LINE_LEVELS).mean()))
    return shares


def _coherence(grey: NDArray[np.uint8], ink: NDArray[np.bool_]) -> list[float]:
    """Return how far neighbouring gradients run one way (strokes), in all and in ink, 0..1."""
    x, y = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    xx, yy, xy = (cv2.GaussianBlur(each, (0, 0), 2.0) for each in (x * x, y * y, x * y))
    strength = xx + yy
    one_way = np.sqrt((xx - yy) ** 2 + 4 * xy**2) / (strength + 1.0)
    inside = one_way[ink]
    return [float(one_way.mean()), float(inside.mean())]
