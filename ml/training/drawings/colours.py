"""What drawings of areas are made with: few colours, other colours, a plain page."""

import cv2
import numpy as np

from ml.training.drawings.pixels import Mask, Picture, soft_mask, to_bytes


def colour_areas(picture: Picture, count: int) -> Mask:
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


def quantised(picture: Picture, levels: int) -> Picture:
    """Return the picture with so many levels a channel, each in the middle of its range."""
    step = 256 / levels
    return to_bytes((np.floor(picture / step) + 0.5) * step)


def recoloured(
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


def kuwahara(picture: Picture, radius_px: int) -> Picture:
    """Return the picture with every pixel the mean of its most even neighbourhood of four."""
    source = picture.astype(np.float32)
    size = radius_px + 1
    best = np.zeros_like(source)
    lowest = np.full(source.shape[:2], np.inf, np.float32)
    for anchor in ((0, 0), (radius_px, 0), (0, radius_px), (radius_px, radius_px)):
        mean = cv2.blur(source, (size, size), anchor=anchor)
        square = cv2.blur(source * source, (size, size), anchor=anchor)
        unevenness = (square - mean * mean).sum(axis=2)
        is_better = unevenness < lowest
        best[is_better] = mean[is_better]
        lowest[is_better] = unevenness[is_better]
    return to_bytes(best)


def maybe_on_plain_page(
    drawn: Picture, picture: Picture, rng: np.random.Generator, *, chance: float = 0.5
) -> Picture:
    """Return the drawing with a page of one colour around the picture's subject, by chance."""
    if rng.random() >= chance:
        return drawn
    page = np.full(3, 255.0) if rng.random() < 0.7 else rng.uniform(120, 255, 3)
    keep = soft_mask(picture)[..., None]
    return to_bytes(drawn * keep + page * (1 - keep))
