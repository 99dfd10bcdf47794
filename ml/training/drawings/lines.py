"""Lines and tones on paper: how a pen, a pencil or a press draws."""

import cv2
import numpy as np

from ml.training.drawings.colours import colour_areas
from ml.training.drawings.pixels import Picture, border_of, soft_mask, to_bytes, to_grey
from ml.training.drawings.strokes import (
    bend,
    coloured_ink,
    edges,
    on_paper,
    smoothed,
    subject_only,
    thickened,
    without_specks,
)
from ml.training.subjects import subject_mask


def contours(picture: Picture, rng: np.random.Generator) -> Picture:
    """Few thin lines around the subject and its parts, as a person would sketch it."""
    bent = bend(picture, rng)
    lines = edges(smoothed(bent, rng), rng)
    return on_paper(thickened(without_specks(subject_only(lines, bent, rng), rng), rng), rng)


def outlines(picture: Picture, rng: np.random.Generator) -> Picture:
    """The borders of areas of like colour: closed lines, no texture."""
    bent = bend(picture, rng)
    areas = colour_areas(bent, int(rng.integers(3, 7)))
    change = cv2.morphologyEx(areas, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
    lines = np.where(np.asarray(change) > 0, 255, 0).astype(np.uint8)
    if rng.random() < 0.5:
        lines = np.maximum(lines, border_of(subject_mask(bent)))
    return on_paper(thickened(without_specks(subject_only(lines, bent, rng), rng), rng), rng)


def ink(picture: Picture, rng: np.random.Generator) -> Picture:
    """Strong lines and black areas: a soft threshold on a difference of Gaussians (XDoG)."""
    grey = to_grey(bend(picture, rng)).astype(np.float32) / 255
    sigma = rng.uniform(0.6, 2.0)
    sharpness = rng.uniform(5, 25)
    narrow = cv2.GaussianBlur(grey, (0, 0), sigma)
    wide = cv2.GaussianBlur(grey, (0, 0), 1.6 * sigma)
    response = (1 + sharpness) * narrow - sharpness * wide
    threshold = rng.uniform(0.35, 0.75)
    tone = np.where(
        response >= threshold, 1.0, 1 + np.tanh(rng.uniform(5, 40) * (response - threshold))
    )
    return coloured_ink(1 - np.clip(tone, 0, 1), rng)


def pencil(picture: Picture, rng: np.random.Generator) -> Picture:
    """Grey strokes and shading: the picture divided by its own blur, on grainy paper."""
    grey = to_grey(bend(picture, rng)).astype(np.float32)
    blurred = cv2.GaussianBlur(grey, (0, 0), rng.uniform(2, 10))
    tone = np.clip(grey / np.maximum(blurred, 1), 0, 1) ** rng.uniform(1.5, 5)
    grain = 1 + rng.uniform(0, 0.12) * rng.standard_normal(grey.shape).astype(np.float32)
    darkness = 1 - np.clip(tone * grain, 0, 1)
    if rng.random() < 0.5:
        darkness = darkness * soft_mask(picture)
    return coloured_ink(darkness, rng)


def hatching(picture: Picture, rng: np.random.Generator) -> Picture:
    """Parallel strokes, more directions where it is darker, under the contours."""
    bent = bend(picture, rng)
    tone = cv2.GaussianBlur(to_grey(bent), (0, 0), 1.5).astype(np.float32) / 255
    height, width = tone.shape
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    spacing_px = rng.uniform(4, 8)
    first = rng.uniform(0, np.pi)
    ink = np.zeros_like(tone)
    for number, level in enumerate((0.7, 0.45, 0.25)):
        angle = first + number * np.pi / 3
        wave = np.sin((xs * np.cos(angle) + ys * np.sin(angle)) * 2 * np.pi / spacing_px)
        ink = np.maximum(ink, ((wave > 0.5) & (tone < level)).astype(np.float32))
    lines = thickened(edges(smoothed(bent, rng), rng), rng)
    return coloured_ink(np.maximum(ink * soft_mask(bent), lines / 255), rng)


def halftone(picture: Picture, rng: np.random.Generator) -> Picture:
    """Dots that grow with darkness, as in print, in one ink or in colours."""
    height, width = picture.shape[:2]
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    frequency = 2 * np.pi / rng.uniform(3.5, 8)
    channels = []
    is_coloured = rng.random() < 0.5
    source = picture if is_coloured else to_grey(picture)[..., None]
    for channel in np.moveaxis(source, 2, 0):
        angle = rng.uniform(0, np.pi / 2)
        u = xs * np.cos(angle) + ys * np.sin(angle)
        v = ys * np.cos(angle) - xs * np.sin(angle)
        screen = (np.sin(u * frequency) * np.sin(v * frequency) + 1) / 2
        channels.append(1 / (1 + np.exp(-12 * (channel / 255 - screen))))
    dots = np.stack(channels, axis=2)
    if not is_coloured:
        return coloured_ink(1 - dots[..., 0], rng)
    return to_bytes(dots * 255)
