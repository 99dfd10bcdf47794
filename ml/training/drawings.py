"""Drawings made from photos: what teaches "the same subject in another medium" without labels.

Each kind draws differently every time: line weights, thresholds, colours, paper, proportions and
how much of the background stays are drawn from the generator. All of it is OpenCV and numpy.
"""

from collections.abc import Callable
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.training.subjects import subject_mask

Picture = NDArray[np.uint8]
Mask = NDArray[np.uint8]

_MIN_SIDE_PX = 16


def draw(picture: Picture, kind: str, rng: np.random.Generator) -> Picture:
    """Return a drawing made of a photo.

    Args:
        picture: (H, W, 3) uint8 RGB, not changed. Made for short sides of 128 to 400 px: line
            weights are in pixels. Below 16 px a side there is nothing to draw: the picture itself
            is returned.
        kind: one of `KINDS`.
        rng: all variety comes from it.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    method = _METHODS[kind]
    if min(picture.shape[:2]) < _MIN_SIDE_PX:
        return picture.copy()
    return method(np.ascontiguousarray(picture), rng)


# Lines on paper


def _contours(picture: Picture, rng: np.random.Generator) -> Picture:
    """Few thin lines around the subject and its parts, as a person would sketch it."""
    bent = _bent(picture, rng)
    lines = _edges(_smoothed(bent, rng), rng)
    return _on_paper(_thickened(_without_specks(_subject_only(lines, bent, rng), rng), rng), rng)


def _outlines(picture: Picture, rng: np.random.Generator) -> Picture:
    """The borders of areas of like colour: closed lines, no texture."""
    bent = _bent(picture, rng)
    areas = _colour_areas(bent, int(rng.integers(3, 7)))
    change = cv2.morphologyEx(areas, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
    lines = np.where(np.asarray(change) > 0, 255, 0).astype(np.uint8)
    if rng.random() < 0.5:
        lines = np.maximum(lines, _border_of(subject_mask(bent)))
    return _on_paper(_thickened(_without_specks(_subject_only(lines, bent, rng), rng), rng), rng)


def _ink(picture: Picture, rng: np.random.Generator) -> Picture:
    """Strong lines and black areas: a soft threshold on a difference of Gaussians (XDoG)."""
    grey = _grey(_bent(picture, rng)).astype(np.float32) / 255
    sigma = rng.uniform(0.6, 2.0)
    sharpness = rng.uniform(5, 25)
    narrow = cv2.GaussianBlur(grey, (0, 0), sigma)
    wide = cv2.GaussianBlur(grey, (0, 0), 1.6 * sigma)
    response = (1 + sharpness) * narrow - sharpness * wide
    threshold = rng.uniform(0.35, 0.75)
    tone = np.where(
        response >= threshold, 1.0, 1 + np.tanh(rng.uniform(5, 40) * (response - threshold))
    )
    return _coloured_ink(1 - np.clip(tone, 0, 1), rng)


def _pencil(picture: Picture, rng: np.random.Generator) -> Picture:
    """Grey strokes and shading: the picture divided by its own blur, on grainy paper."""
    grey = _grey(_bent(picture, rng)).astype(np.float32)
    blurred = cv2.GaussianBlur(grey, (0, 0), rng.uniform(2, 10))
    tone = np.clip(grey / np.maximum(blurred, 1), 0, 1) ** rng.uniform(1.5, 5)
    grain = 1 + rng.uniform(0, 0.12) * rng.standard_normal(grey.shape).astype(np.float32)
    darkness = 1 - np.clip(tone * grain, 0, 1)
    if rng.random() < 0.5:
        darkness = darkness * _soft_mask(picture)
    return _coloured_ink(darkness, rng)


def _hatching(picture: Picture, rng: np.random.Generator) -> Picture:
    """Parallel strokes, more directions where it is darker, under the contours."""
    bent = _bent(picture, rng)
    tone = cv2.GaussianBlur(_grey(bent), (0, 0), 1.5).astype(np.float32) / 255
    height, width = tone.shape
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    spacing_px = rng.uniform(4, 8)
    first = rng.uniform(0, np.pi)
    ink = np.zeros_like(tone)
    for number, level in enumerate((0.7, 0.45, 0.25)):
        angle = first + number * np.pi / 3
        wave = np.sin((xs * np.cos(angle) + ys * np.sin(angle)) * 2 * np.pi / spacing_px)
        ink = np.maximum(ink, ((wave > 0.5) & (tone < level)).astype(np.float32))
    lines = _thickened(_edges(_smoothed(bent, rng), rng), rng)
    return _coloured_ink(np.maximum(ink * _soft_mask(bent), lines / 255), rng)


def _halftone(picture: Picture, rng: np.random.Generator) -> Picture:
    """Dots that grow with darkness, as in print, in one ink or in colours."""
    height, width = picture.shape[:2]
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    frequency = 2 * np.pi / rng.uniform(3.5, 8)
    channels = []
    is_coloured = rng.random() < 0.5
    source = picture if is_coloured else _grey(picture)[..., None]
    for channel in np.moveaxis(source, 2, 0):
        angle = rng.uniform(0, np.pi / 2)
        u = xs * np.cos(angle) + ys * np.sin(angle)
        v = ys * np.cos(angle) - xs * np.sin(angle)
        screen = (np.sin(u * frequency) * np.sin(v * frequency) + 1) / 2
        channels.append(1 / (1 + np.exp(-12 * (channel / 255 - screen))))
    dots = np.stack(channels, axis=2)
    if not is_coloured:
        return _coloured_ink(1 - dots[..., 0], rng)
    return _to_bytes(dots * 255)


# Areas of colour


def _cartoon(picture: Picture, rng: np.random.Generator) -> Picture:
    """Flat, bright colours with dark outlines; often on a plain page."""
    bent = _bent(picture, rng)
    even = cv2.bilateralFilter(bent, 7, rng.uniform(40, 120), 7)
    flat = _quantised(np.asarray(even, dtype=np.uint8), int(rng.integers(4, 12)))
    flat = _recoloured(flat, rng, hue_deg=40, saturation=(1.1, 2.2), brightness=(0.95, 1.3))
    lines = _thickened(_edges(_smoothed(bent, rng), rng), rng)
    strength = rng.uniform(0.5, 1.0) * (rng.random() < 0.85)
    drawn = flat * (1 - strength * (lines[..., None] / 255))
    return _maybe_on_plain_page(_to_bytes(drawn), bent, rng)


def _posterised(picture: Picture, rng: np.random.Generator) -> Picture:
    """Few levels a channel, colours shifted."""
    levels = int(rng.integers(2, 6))
    smooth = cv2.medianBlur(_bent(picture, rng), 5).astype(np.float32)
    steps = np.rint(smooth / 255 * (levels - 1)) / (levels - 1) * 255
    return _recoloured(
        _to_bytes(steps), rng, hue_deg=180, saturation=(0.6, 1.6), brightness=(0.8, 1.2)
    )


def _clip_art(picture: Picture, rng: np.random.Generator) -> Picture:
    """A handful of flat colours taken from the picture, outlined, the background gone."""
    bent = _bent(picture, rng)
    count = int(rng.integers(3, 7))
    areas = _colour_areas(bent, count)
    palette = np.zeros((count, 3), np.float32)
    for area in range(count):
        inside = bent[areas == area]
        palette[area] = inside.mean(axis=0) if len(inside) else 0
    flat = _recoloured(
        palette[areas].astype(np.uint8),
        rng,
        hue_deg=180,
        saturation=(1.0, 2.5),
        brightness=(0.9, 1.4),
    )
    border = cv2.dilate(_border_of(subject_mask(bent)), _disc(int(rng.integers(1, 4))))
    inner = cv2.morphologyEx(areas, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) > 0
    drawn = flat.copy()
    if rng.random() < 0.7:
        drawn[inner] = drawn[inner] // 3
    page = _maybe_on_plain_page(drawn, bent, rng, chance=0.8)
    page[border > 0] = rng.integers(0, 60, 3)
    return page


def _painting(picture: Picture, rng: np.random.Generator) -> Picture:
    """Brush strokes: every pixel takes the most even of its four neighbourhoods (Kuwahara)."""
    strokes = _kuwahara(_bent(picture, rng), int(rng.integers(2, 6)))
    painted = _recoloured(strokes, rng, hue_deg=60, saturation=(0.5, 2.2), brightness=(0.75, 1.25))
    weave = rng.uniform(0, 14) * cv2.GaussianBlur(
        rng.standard_normal(painted.shape[:2]).astype(np.float32), (0, 0), 0.8
    )
    return _to_bytes(painted + weave[..., None])


def _watercolour(picture: Picture, rng: np.random.Generator) -> Picture:
    """Pale washes that thin out towards the paper, darker at their edges."""
    washed = cv2.stylization(
        _bent(picture, rng), sigma_s=rng.uniform(20, 80), sigma_r=rng.uniform(0.2, 0.6)
    )
    pale = 255 - (255 - washed.astype(np.float32)) * rng.uniform(0.5, 1.0)
    if rng.random() < 0.6:
        wash = cv2.GaussianBlur(_soft_mask(picture), (0, 0), rng.uniform(3, 10))[..., None]
        pale = 255 - (255 - pale) * wash
    return _recoloured(
        _to_bytes(pale), rng, hue_deg=40, saturation=(0.7, 1.8), brightness=(0.95, 1.1)
    )


def _filtered(picture: Picture, rng: np.random.Generator) -> Picture:
    """A random small convolution that mixes the channels: shapes stay, colour and texture go.

    Source of the idea: Xu et al., "Robust and Generalizable Visual Representation Learning via
    Random Convolutions", ICLR 2021.
    """
    size = int(rng.choice((1, 3, 5, 7)))
    source = picture.astype(np.float32) / 255 - 0.5
    kernels = rng.standard_normal((3, 3, size, size)).astype(np.float32) / (size * np.sqrt(3))
    mixed = np.stack(
        [sum(cv2.filter2D(source[..., i], -1, kernels[o, i]) for i in range(3)) for o in range(3)],
        axis=2,
    )
    low, high = np.percentile(mixed, (1, 99))
    spread = _to_bytes((mixed - low) / max(high - low, 1e-3) * 255)
    share = rng.uniform(0, 0.5)
    return _to_bytes(spread * (1 - share) + picture * share)


_METHODS: MappingProxyType[str, Callable[[Picture, np.random.Generator], Picture]] = (
    MappingProxyType(
        {
            "contours": _contours,
            "outlines": _outlines,
            "ink": _ink,
            "pencil": _pencil,
            "hatching": _hatching,
            "halftone": _halftone,
            "cartoon": _cartoon,
            "posterised": _posterised,
            "clip_art": _clip_art,
            "painting": _painting,
            "watercolour": _watercolour,
            "filtered": _filtered,
        }
    )
)
KINDS = tuple(_METHODS)


# Strokes


def _bent(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture with its proportions off, as a hand draws: a slow random displacement."""
    if rng.random() < 0.3:
        return picture
    height, width = picture.shape[:2]
    reach = rng.uniform(0.01, 0.05) * min(height, width)
    coarse = rng.uniform(-reach, reach, (2, 4, 4)).astype(np.float32)
    dx, dy = (cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC) for field in coarse)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    bent = cv2.remap(picture, xs + dx, ys + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(bent, dtype=np.uint8)


def _smoothed(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return (H, W) grey in which texture is weaker than the edges of things."""
    grey = _grey(picture)
    if rng.random() < 0.5:
        return np.asarray(cv2.bilateralFilter(grey, 9, rng.uniform(30, 90), 9), dtype=np.uint8)
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), rng.uniform(1.0, 3.0)), dtype=np.uint8)


def _edges(grey: Picture, rng: np.random.Generator) -> Mask:
    """Return (H, W) lines one pixel wide, 255 on 0; thresholds follow the picture's contrast."""
    gradient = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    strong = float(np.percentile(np.asarray(gradient), rng.uniform(84, 96)))
    high = max(20.0, strong)
    return np.asarray(cv2.Canny(grey, high * rng.uniform(0.3, 0.6), high), dtype=np.uint8)


def _subject_only(lines: Mask, picture: Picture, rng: np.random.Generator) -> Mask:
    """Drop the background's lines, four times of five."""
    if rng.random() < 0.2:
        return lines
    reach = _disc(max(1, min(lines.shape) // 40))
    return np.minimum(lines, np.asarray(cv2.dilate(subject_mask(picture), reach), dtype=np.uint8))


def _without_specks(lines: Mask, rng: np.random.Generator) -> Mask:
    """Drop what is shorter than a random fraction of the picture; never everything."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(lines, connectivity=8)
    lengths = stats[:, cv2.CC_STAT_AREA]
    if count <= 1:
        return lines
    shortest = min(rng.uniform(0.02, 0.2) * min(lines.shape), float(lengths[1:].max()))
    keep = lengths >= shortest
    keep[0] = False
    return np.where(keep[labels], 255, 0).astype(np.uint8)


def _thickened(lines: Mask, rng: np.random.Generator) -> Mask:
    width_px = int(rng.choice((1, 2, 3, 4), p=(0.35, 0.35, 0.2, 0.1)))
    if width_px > 1:
        lines = np.asarray(cv2.dilate(lines, _disc(width_px)), dtype=np.uint8)
    return np.asarray(cv2.GaussianBlur(lines, (0, 0), rng.uniform(0.4, 0.8)), dtype=np.uint8)


def _on_paper(lines: Mask, rng: np.random.Generator) -> Picture:
    darkness = np.clip(lines.astype(np.float32) / 255 * rng.uniform(1.0, 1.8), 0, 1)
    return _coloured_ink(darkness, rng)


def _coloured_ink(darkness: NDArray[np.floating], rng: np.random.Generator) -> Picture:
    """Return ink on paper: mostly black on white, sometimes coloured, sometimes chalk on a board.

    Args:
        darkness: (H, W) 0..1, how much ink lies where.
        rng: chooses the colours.
    """
    paper, ink = np.full(3, 255.0), np.full(3, rng.uniform(0, 50))
    chance = rng.random()
    if chance < 0.25:
        paper = rng.uniform(200, 255, 3)
        ink = rng.uniform(0, 110, 3)
    elif chance < 0.35:
        paper, ink = rng.uniform(0, 70, 3), rng.uniform(190, 255, 3)
    return _to_bytes(paper + (ink - paper) * darkness[..., None])


# Colours


def _colour_areas(picture: Picture, count: int) -> Mask:
    """Return (H, W) the number of the area's colour, 0..count - 1, found on a small copy."""
    smooth = cv2.bilateralFilter(picture, 7, 60, 7)
    small = cv2.resize(smooth, (48, 48), interpolation=cv2.INTER_AREA).reshape(-1, 3)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 8, 1.0)
    # Seeded by brightness, because OpenCV's own seeds are global state.
    order = np.argsort(small.sum(axis=1), kind="stable")
    first = np.zeros((len(small), 1), np.int32)
    first[order, 0] = np.arange(len(small)) * count // len(small)
    _, _, centres = cv2.kmeans(
        small.astype(np.float32), count, first, stop, 1, cv2.KMEANS_USE_INITIAL_LABELS
    )
    # |x - c|² without |x|², which is the same for every centre.
    distances = (centres**2).sum(axis=1) - 2 * (smooth.astype(np.float32) @ centres.T)
    return np.asarray(cv2.medianBlur(distances.argmin(axis=2).astype(np.uint8), 5), dtype=np.uint8)


def _quantised(picture: Picture, levels: int) -> Picture:
    step = 256 / levels
    return _to_bytes((np.floor(picture / step) + 0.5) * step)


def _recoloured(
    picture: Picture,
    rng: np.random.Generator,
    *,
    hue_deg: float,
    saturation: tuple[float, float],
    brightness: tuple[float, float],
) -> Picture:
    """Return the picture with its hues turned, and saturation and brightness scaled."""
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + rng.uniform(-hue_deg, hue_deg) / 2) % 180  # OpenCV's half degrees
    hsv[..., 1] = np.clip(hsv[..., 1] * rng.uniform(*saturation), 0, 255)
    hsv[..., 2] = np.clip(hsv[..., 2] * rng.uniform(*brightness), 0, 255)
    return np.asarray(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB), dtype=np.uint8)


def _kuwahara(picture: Picture, radius_px: int) -> Picture:
    source = picture.astype(np.float32)
    size = radius_px + 1
    best = np.zeros_like(source)
    least = np.full(source.shape[:2], np.inf, np.float32)
    for anchor in ((0, 0), (radius_px, 0), (0, radius_px), (radius_px, radius_px)):
        mean = cv2.blur(source, (size, size), anchor=anchor)
        square = cv2.blur(source * source, (size, size), anchor=anchor)
        unevenness = (square - mean * mean).sum(axis=2)
        is_better = unevenness < least
        best[is_better] = mean[is_better]
        least[is_better] = unevenness[is_better]
    return _to_bytes(best)


def _maybe_on_plain_page(
    drawn: Picture, picture: Picture, rng: np.random.Generator, *, chance: float = 0.5
) -> Picture:
    if rng.random() >= chance:
        return drawn
    page = np.full(3, 255.0) if rng.random() < 0.7 else rng.uniform(120, 255, 3)
    keep = _soft_mask(picture)[..., None]
    return _to_bytes(drawn * keep + page * (1 - keep))


# Small things


def _soft_mask(picture: Picture) -> NDArray[np.float32]:
    """Return (H, W) 0..1: the subject, its edge softened."""
    blurred = cv2.GaussianBlur(subject_mask(picture), (0, 0), 1.5)
    return np.asarray(blurred, dtype=np.float32) / np.float32(255)


def _border_of(mask: Mask) -> Mask:
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, _disc(3)), dtype=np.uint8)


def _disc(size_px: int) -> Mask:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size_px, size_px))
    return np.asarray(disc, dtype=np.uint8)


def _grey(picture: Picture) -> Picture:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _to_bytes(values: NDArray[np.floating]) -> Picture:
    rounded: Picture = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return rounded
