"""What drawings of lines are made with: a hand's bend, edges, thickness, ink on paper."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.training.drawings.pixels import Mask, Picture, disc, to_bytes, to_grey
from ml.training.subjects import subject_mask


def bend(picture: Picture, rng: np.random.Generator) -> Picture:
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


def smoothed(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return (H, W) grey in which texture is weaker than the edges of things."""
    grey = to_grey(picture)
    if rng.random() < 0.5:
        return np.asarray(cv2.bilateralFilter(grey, 9, rng.uniform(30, 90), 9), dtype=np.uint8)
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), rng.uniform(1.0, 3.0)), dtype=np.uint8)


def edges(grey: Picture, rng: np.random.Generator) -> Mask:
    """Return (H, W) lines one pixel wide, 255 on 0; thresholds follow the picture's contrast."""
    gradient = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    strong = float(np.percentile(np.asarray(gradient), rng.uniform(84, 96)))
    high = max(20.0, strong)
    return np.asarray(cv2.Canny(grey, high * rng.uniform(0.3, 0.6), high), dtype=np.uint8)


def subject_only(lines: Mask, picture: Picture, rng: np.random.Generator) -> Mask:
    """Drop the background's lines, four times of five."""
    if rng.random() < 0.2:
        return lines
    reach = disc(max(1, min(lines.shape) // 40))
    return np.minimum(lines, np.asarray(cv2.dilate(subject_mask(picture), reach), dtype=np.uint8))


def without_specks(lines: Mask, rng: np.random.Generator) -> Mask:
    """Drop what is shorter than a random fraction of the picture; never everything."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(lines, connectivity=8)
    lengths = stats[:, cv2.CC_STAT_AREA]
    if count <= 1:
        return lines
    shortest = min(rng.uniform(0.02, 0.2) * min(lines.shape), float(lengths[1:].max()))
    keep = lengths >= shortest
    keep[0] = False
    return np.where(keep[labels], 255, 0).astype(np.uint8)


def thickened(lines: Mask, rng: np.random.Generator) -> Mask:
    """Return lines of 1 to 4 px, softened."""
    width_px = int(rng.choice((1, 2, 3, 4), p=(0.35, 0.35, 0.2, 0.1)))
    if width_px > 1:
        lines = np.asarray(cv2.dilate(lines, disc(width_px)), dtype=np.uint8)
    return np.asarray(cv2.GaussianBlur(lines, (0, 0), rng.uniform(0.4, 0.8)), dtype=np.uint8)


def on_paper(lines: Mask, rng: np.random.Generator) -> Picture:
    """Return lines, 255 on 0, drawn in ink of random strength on paper."""
    darkness = np.clip(lines.astype(np.float32) / 255 * rng.uniform(1.0, 1.8), 0, 1)
    return coloured_ink(darkness, rng)


def coloured_ink(darkness: NDArray[np.floating], rng: np.random.Generator) -> Picture:
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
    return to_bytes(paper + (ink - paper) * darkness[..., None])
