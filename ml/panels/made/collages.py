"""Made collages, whose panels are known."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ml.types import Box

Style = Literal["grid", "mosaic", "justified", "strip", "framed", "scattered"]
STYLES: tuple[Style, ...] = ("grid", "mosaic", "justified", "strip", "framed", "scattered")
_GUTTERS_PX = (0, 0, 0, 2, 4, 6, 8, 12, 20, 30, 40)
MIN_PANEL_PX = 84  # of a panel's sides
_SIZES = ((1600, 900), (1200, 900), (1080, 1080), (1080, 1350), (900, 1200), (800, 600), (640, 640))
WORDS = (
    "the",
    "boat",
    "market",
    "of",
    "winter",
    "stone",
    "old",
    "road",
    "returns",
    "and",
    "under",
    "light",
    "ship",
    "home",
    "river",
)
_JPEG_QUALITIES = (60, 75, 85, 92, 95)

Photos = Callable[[], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Made:
    """A made picture.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        panels: where its photos are; of a page, those whose sides are long enough to be panels.
        shown: panel by panel, the number of its photo, from 0 in the order of the calls.
        shares: panel by panel, how much of the photo's area can be seen, 0..1.
    """

    pixels: NDArray[np.uint8]
    panels: tuple[Box, ...]
    shown: tuple[int, ...]
    shares: tuple[float, ...]


def make_collage(style: Style, photos: Photos, rng: np.random.Generator) -> Made:
    """Return a collage of a style.

    Args:
        style: how the photos lie.
        photos: returns another photo at each call, (H, W, 3) uint8 RGB, sides ≥ 16 px.
        rng: decides everything else.
    """
    width, height = _SIZES[rng.integers(len(_SIZES))]
    gutter = int(rng.choice(_GUTTERS_PX))
    margin = int(rng.choice((0, gutter, gutter, 40)))
    inner = Box(margin, margin, width - margin, height - margin)
    boxes = _LAYOUTS[style](inner, gutter, rng)
    pixels = _canvas(width, height, rng)
    radius = int(rng.choice((0, 0, 0, 10, 24)))
    border = int(rng.choice((0, 0, 0, 1, 2)))
    has_captions = style in ("framed", "scattered") and rng.random() < 0.3
    shares = []
    for box in boxes:
        shares.append(paste(pixels, photos(), box, radius=radius))
        if border:
            tone = int(rng.choice((0, 128, 255)))
            _outline(pixels, box, (tone, tone, tone), border)
        if has_captions:
            _caption(pixels, box, rng)
    return Made(compressed(pixels, rng), tuple(boxes), tuple(range(len(boxes))), tuple(shares))


def _grid(inner: Box, gutter: int, rng: np.random.Generator) -> list[Box]:
    columns, rows = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    columns = max(columns, 2) if rows == 1 else columns
    return [
        Box(x0, y0, x1, y1)
        for y0, y1 in spread(inner.y0, inner.y1, [1.0] * rows, gutter)
        for x0, x1 in spread(inner.x0, inner.x1, [1.0] * columns, gutter)
    ]


def _strip(inner: Box, gutter: int, rng: np.random.Generator) -> list[Box]:
    count = int(rng.integers(2, 6))
    shares = list(rng.uniform(0.8, 1.2, count) if rng.random() < 0.3 else np.ones(count))
    if rng.random() < 0.7:
        return [
            Box(inner.x0, y0, inner.x1, y1) for y0, y1 in spread(inner.y0, inner.y1, shares, gutter)
        ]
    return [
        Box(x0, inner.y0, x1, inner.y1) for x0, x1 in spread(inner.x0, inner.x1, shares, gutter)
    ]


def _justified(inner: Box, gutter: int, rng: np.random.Generator) -> list[Box]:
    rows = int(rng.integers(2, 6))
    bottom = inner.y1 - int(rng.choice((0, 0, inner.height // 6)))
    return [
        Box(x0, y0, x1, y1)
        for y0, y1 in spread(inner.y0, bottom, list(rng.uniform(0.8, 1.2, rows)), gutter)
        for x0, x1 in spread(
            inner.x0, inner.x1, list(rng.uniform(0.6, 1.6, int(rng.integers(2, 5)))), gutter
        )
    ]


def _mosaic(inner: Box, gutter: int, rng: np.random.Generator) -> list[Box]:
    boxes = [inner]
    for _ in range(int(rng.integers(1, 8))):
        boxes.sort(key=lambda box: box.width * box.height)
        box = boxes.pop()
        is_upright = rng.random() < box.width / (box.width + box.height)
        share = float(rng.uniform(0.3, 0.7))
        first, last = (box.x0, box.x1) if is_upright else (box.y0, box.y1)
        if last - first < 3 * MIN_PANEL_PX + gutter:
            boxes.append(box)
            break
        middle = first + int((last - first - gutter) * share)
        if is_upright:
            parts = (
                Box(box.x0, box.y0, middle, box.y1),
                Box(middle + gutter, box.y0, box.x1, box.y1),
            )
        else:
            parts = (
                Box(box.x0, box.y0, box.x1, middle),
                Box(box.x0, middle + gutter, box.x1, box.y1),
            )
        boxes += parts
    return boxes


def _framed(inner: Box, gutter: int, rng: np.random.Generator) -> list[Box]:
    boxes = []
    for cell in _mosaic(inner, gutter, rng):
        pad = rng.uniform(0.03, 0.14, 4) * min(cell.width, cell.height)
        left, top, right, bottom = (int(each) for each in pad)
        boxes.append(Box(cell.x0 + left, cell.y0 + top, cell.x1 - right, cell.y1 - bottom))
    return [box for box in boxes if min(box.width, box.height) >= MIN_PANEL_PX]


def _scattered(inner: Box, gutter: int, rng: np.random.Generator) -> list[Box]:
    boxes: list[Box] = []
    gap = max(6, gutter)
    for _ in range(60):
        width = int(inner.width * rng.uniform(0.18, 0.55))
        height = int(inner.height * rng.uniform(0.15, 0.6))
        x0 = int(rng.integers(inner.x0, inner.x1 - width + 1))
        y0 = int(rng.integers(inner.y0, inner.y1 - height + 1))
        box = Box(x0, y0, x0 + width, y0 + height)
        is_free = all(
            box.x0 >= o.x1 + gap
            or o.x0 >= box.x1 + gap
            or box.y0 >= o.y1 + gap
            or o.y0 >= box.y1 + gap
            for o in boxes
        )
        if is_free and min(width, height) >= MIN_PANEL_PX and len(boxes) < 6:
            boxes.append(box)
    return boxes


_LAYOUTS: dict[Style, Callable[[Box, int, np.random.Generator], list[Box]]] = {
    "grid": _grid,
    "mosaic": _mosaic,
    "justified": _justified,
    "strip": _strip,
    "framed": _framed,
    "scattered": _scattered,
}


def spread(first: int, last: int, shares: Sequence[float], gutter: int) -> list[tuple[int, int]]:
    """Return starts and ends of parts of these shares, a gutter between them."""
    free = last - first - gutter * (len(shares) - 1)
    ends = np.rint(np.cumsum([0.0, *shares]) / sum(shares) * free).astype(int)
    return [
        (first + int(a) + index * gutter, first + int(b) + index * gutter)
        for index, (a, b) in enumerate(pairwise(ends))
    ]


def _colour(rng: np.random.Generator) -> NDArray[np.float32]:
    kind = rng.random()
    if kind < 0.4:
        return np.full(3, float(rng.choice((255, 255, 0, 245, 24, 128))), np.float32)
    return rng.uniform(0, 255, 3).astype(np.float32)


def _canvas(width: int, height: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    pixels = np.empty((height, width, 3), np.float32)
    pixels[:] = _colour(rng)
    if rng.random() < 0.25:
        along = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
        across = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
        share = along if rng.random() < 0.6 else (along + across) / 2
        pixels += share * (_colour(rng) - pixels[0, 0])
    if rng.random() < 0.15:
        pixels += rng.normal(0, rng.uniform(2, 7), (height, width, 1)).astype(np.float32)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def paste(
    pixels: NDArray[np.uint8], photo: NDArray[np.uint8], box: Box, *, radius: int = 0
) -> float:
    """Put a photo over a box, cut to its shape, its corners round; return the share shown."""
    scale = max(box.width / photo.shape[1], box.height / photo.shape[0])
    size = (math.ceil(photo.shape[1] * scale), math.ceil(photo.shape[0] * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    fitted = cv2.resize(photo, size, interpolation=way)
    x, y = (size[0] - box.width) // 2, (size[1] - box.height) // 2
    fitted = fitted[y : y + box.height, x : x + box.width]
    part = pixels[box.y0 : box.y1, box.x0 : box.x1]
    share = float(box.width * box.height / (size[0] * size[1]))
    if not radius:
        part[:] = fitted
        return share
    mask = Image.new("L", (box.width, box.height), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, box.width - 1, box.height - 1), radius, 255)
    is_inside = np.asarray(mask)[..., None] > 0
    part[:] = np.where(is_inside, fitted, part)
    return share


def _outline(pixels: NDArray[np.uint8], box: Box, colour: tuple[int, int, int], width: int) -> None:
    cv2.rectangle(
        pixels, (box.x0, box.y0), (box.x1 - 1, box.y1 - 1), colour, width, lineType=cv2.LINE_4
    )


def _caption(pixels: NDArray[np.uint8], box: Box, rng: np.random.Generator) -> None:
    y = box.y1 + 16
    if y >= pixels.shape[0]:
        return
    ground = pixels[y - 1, box.x0]
    ink = (20, 20, 20) if ground.mean() > 128 else (230, 230, 230)
    text = " ".join(rng.choice(WORDS, 2))
    cv2.putText(pixels, text, (box.x0, y), cv2.FONT_HERSHEY_SIMPLEX, 0.4, ink, 1, cv2.LINE_AA)


def compressed(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the picture as a JPEG of some quality shows it."""
    quality = int(rng.choice(_JPEG_QUALITIES))
    coded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB), np.uint8)
