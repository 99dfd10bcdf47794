"""Areas of colour: how a brush, a printer or a cartoonist fills them."""

import cv2
import numpy as np

from ml.training.drawings.colours import (
    colour_areas,
    kuwahara,
    maybe_on_plain_page,
    quantised,
    recoloured,
)
from ml.training.drawings.pixels import Picture, border_of, disc, soft_mask, to_bytes
from ml.training.drawings.strokes import bend, edges, smoothed, thickened
from ml.training.subjects import subject_mask


def cartoon(picture: Picture, rng: np.random.Generator) -> Picture:
    """Flat, bright colours with dark outlines; often on a plain page."""
    bent = bend(picture, rng)
    even = cv2.bilateralFilter(bent, 7, rng.uniform(40, 120), 7)
    flat = quantised(np.asarray(even, dtype=np.uint8), int(rng.integers(4, 12)))
    flat = recoloured(flat, rng, hue_deg=40, saturation=(1.1, 2.2), brightness=(0.95, 1.3))
    lines = thickened(edges(smoothed(bent, rng), rng), rng)
    strength = rng.uniform(0.5, 1.0) * (rng.random() < 0.85)
    drawn = flat * (1 - strength * (lines[..., None] / 255))
    return maybe_on_plain_page(to_bytes(drawn), bent, rng)


def posterised(picture: Picture, rng: np.random.Generator) -> Picture:
    """Few levels a channel, colours shifted."""
    levels = int(rng.integers(2, 6))
    smooth = cv2.medianBlur(bend(picture, rng), 5).astype(np.float32)
    steps = np.rint(smooth / 255 * (levels - 1)) / (levels - 1) * 255
    return recoloured(
        to_bytes(steps), rng, hue_deg=180, saturation=(0.6, 1.6), brightness=(0.8, 1.2)
    )


def clip_art(picture: Picture, rng: np.random.Generator) -> Picture:
    """A handful of flat colours taken from the picture, outlined, the background gone."""
    bent = bend(picture, rng)
    count = int(rng.integers(3, 7))
    areas = colour_areas(bent, count)
    palette = np.zeros((count, 3), np.float32)
    for area in range(count):
        inside = bent[areas == area]
        palette[area] = inside.mean(axis=0) if len(inside) else 0
    flat = recoloured(
        palette[areas].astype(np.uint8),
        rng,
        hue_deg=180,
        saturation=(1.0, 2.5),
        brightness=(0.9, 1.4),
    )
    border = cv2.dilate(border_of(subject_mask(bent)), disc(int(rng.integers(1, 4))))
    inner = cv2.morphologyEx(areas, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) > 0
    drawn = flat.copy()
    if rng.random() < 0.7:
        drawn[inner] = drawn[inner] // 3
    page = maybe_on_plain_page(drawn, bent, rng, chance=0.8)
    page[border > 0] = rng.integers(0, 60, 3)
    return page


def painting(picture: Picture, rng: np.random.Generator) -> Picture:
    """Brush strokes: every pixel takes the most even of its four neighbourhoods (Kuwahara)."""
    strokes = kuwahara(bend(picture, rng), int(rng.integers(2, 6)))
    painted = recoloured(strokes, rng, hue_deg=60, saturation=(0.5, 2.2), brightness=(0.75, 1.25))
    weave = rng.uniform(0, 14) * cv2.GaussianBlur(
        rng.standard_normal(painted.shape[:2]).astype(np.float32), (0, 0), 0.8
    )
    return to_bytes(painted + weave[..., None])


def watercolour(picture: Picture, rng: np.random.Generator) -> Picture:
    """Pale washes that thin out towards the paper, darker at their edges."""
    washed = cv2.stylization(
        bend(picture, rng), sigma_s=rng.uniform(20, 80), sigma_r=rng.uniform(0.2, 0.6)
    )
    pale = 255 - (255 - washed.astype(np.float32)) * rng.uniform(0.5, 1.0)
    if rng.random() < 0.6:
        wash = cv2.GaussianBlur(soft_mask(picture), (0, 0), rng.uniform(3, 10))[..., None]
        pale = 255 - (255 - pale) * wash
    return recoloured(
        to_bytes(pale), rng, hue_deg=40, saturation=(0.7, 1.8), brightness=(0.95, 1.1)
    )


def filtered(picture: Picture, rng: np.random.Generator) -> Picture:
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
    spread = to_bytes((mixed - low) / max(high - low, 1e-3) * 255)
    share = rng.uniform(0, 0.5)
    return to_bytes(spread * (1 - share) + picture * share)
