"""Small pictures to split, drawn here and nowhere else."""

import cv2
import numpy as np


def photo(seed, width=160, height=120):
    """Return something as busy as a photo and without a straight edge: waves, noise and blobs."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.zeros((height, width, 3), np.float32)
    picture += rng.uniform(50, 205, 3)
    for channel in range(3):
        for _ in range(4):
            across, down = rng.uniform(-0.12, 0.12, 2)
            wave = np.sin(across * x + down * y + rng.uniform(0, 6))
            picture[..., channel] += rng.uniform(10, 28) * wave
    for _ in range(5):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        colour = tuple(float(level) for level in rng.integers(0, 256, 3))
        axes = (int(rng.integers(6, width // 4)), int(rng.integers(6, height // 4)))
        angle = float(rng.uniform(20, 70))
        cv2.ellipse(picture, centre, axes, angle, 0, 360, colour, -1, cv2.LINE_AA)
    picture += rng.normal(0, 5, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def collage(boxes, size, *, canvas=(255, 255, 255), seed=0):
    """Return photos over the boxes (x0, y0, x1, y1) of a canvas of a size (width, height).

    The canvas is a colour, or an (H, W, 3) uint8 picture.
    """
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[:] = canvas
    for number, (x0, y0, x1, y1) in enumerate(boxes):
        pixels[y0:y1, x0:x1] = photo(1000 * seed + number, x1 - x0, y1 - y0)
    return pixels


def grid(columns, rows, cell, gutter, margin):
    """Return the boxes of a grid and the size of its canvas."""
    width, height = cell
    boxes = [
        (x, y, x + width, y + height)
        for y in range(margin, margin + rows * (height + gutter), height + gutter)
        for x in range(margin, margin + columns * (width + gutter), width + gutter)
    ]
    x1, y1 = boxes[-1][2:]
    return boxes, (x1 + margin, y1 + margin)


def gradient(size, start, stop):
    """Return a canvas that turns from one colour into another from top to bottom."""
    share = np.linspace(0, 1, size[1], dtype=np.float32)[:, None, None]
    column = np.array(start) + share * (np.array(stop) - np.array(start))
    return np.broadcast_to(column, (size[1], size[0], 3)).astype(np.uint8)


def write(pixels, text, position, *, ink=(30, 30, 30), scale=0.5):
    cv2.putText(pixels, text, position, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1, cv2.LINE_AA)


def page(size=(1000, 760), *, is_dark=False, photos=()):
    """Return a page with a bar, paragraphs, icons, avatars and buttons, and photos over boxes."""
    ground, ink = ((24, 24, 28), (220, 220, 225)) if is_dark else ((255,) * 3, (30, 30, 36))
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[:] = ground
    pixels[:52] = (40, 90, 160)
    write(pixels, "harbour   news   weather   boats", (24, 34), ink=(255, 255, 255))
    for y in range(90, size[1] - 80, 24):
        write(pixels, "the boats returned under light to the old harbour and", (30, y), ink=ink)
    for y in range(80, 400, 80):
        cv2.circle(pixels, (size[0] - 60, y + 20), 20, (200, 80, 40), -1, cv2.LINE_AA)
    cv2.rectangle(pixels, (30, size[1] - 60), (170, size[1] - 20), (20, 150, 90), -1)
    write(pixels, "send", (70, size[1] - 34), ink=(255, 255, 255))
    for number, (x0, y0, x1, y1) in enumerate(photos):
        pixels[y0 - 8 : y1 + 8, x0 - 8 : x1 + 8] = ground
        pixels[y0:y1, x0:x1] = photo(50 + number, x1 - x0, y1 - y0)
    return pixels


def as_jpeg(pixels, quality=85):
    coded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1])
