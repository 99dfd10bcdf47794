"""Pictures that tests draw themselves, each unlike the others."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps


def draw(seed: int, *, width: int = 320, height: int = 240) -> Image.Image:
    """Return a scene of its own: coloured blobs on a coloured ground."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.ones((height, width, 3)) * rng.uniform(0, 255, 3)
    for _ in range(12):
        centre_x, centre_y = rng.uniform(0, width), rng.uniform(0, height)
        radius_x, radius_y = rng.uniform(10, width / 3, 2)
        inside = ((x - centre_x) / radius_x) ** 2 + ((y - centre_y) / radius_y) ** 2 < 1
        pixels[inside] = rng.uniform(0, 255, 3)
    return Image.fromarray(pixels.astype(np.uint8))


def jpeg(picture: Image.Image, quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def edited_copy(picture: Image.Image) -> bytes:
    """Return half the size, mirrored, JPEG 60."""
    half = picture.resize((picture.width // 2, picture.height // 2))
    return jpeg(ImageOps.mirror(half), quality=60)


def write_folder(folder: Path, seeds: range) -> Path:
    folder.mkdir(parents=True)
    for seed in seeds:
        (folder / f"{seed:05}.jpg").write_bytes(jpeg(draw(seed)))
    return folder
