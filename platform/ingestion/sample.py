"""A sample catalogue, made from photographs that scikit-image carries.

Every subject comes as its photograph, as drawings made from it and as edited copies, so that the
first search of a new installation finds all three.
"""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageOps

# File in skimage/data → title. All are free to use; skimage/data/README.txt tells their sources.
_SUBJECTS = {
    "astronaut.png": "Astronaut",
    "camera.png": "Photographer",
    "chelsea.png": "Cat",
    "coffee.png": "Cup of coffee",
    "coins.png": "Ancient coins",
    "horse.png": "Horse",
    "hubble_deep_field.jpg": "Deep field",
    "moon.png": "Surface of the moon",
    "motorcycle_left.png": "Motorcycle",
    "retina.jpg": "Retina",
    "rocket.jpg": "Rocket",
    "brick.png": "Brick wall",
    "grass.png": "Grass",
    "gravel.png": "Gravel",
}
_LONGER_SIDE_PX = 800
_QUALITY = 88


def write_sample(folder: Path) -> int:
    """Write the sample's pictures to `folder` as JPEGs; return how many."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for name, title in _SUBJECTS.items():
        with Image.open(str(files("skimage.data").joinpath(name))) as opened:
            photo = opened.convert("RGB")
        photo.thumbnail((_LONGER_SIDE_PX, _LONGER_SIDE_PX))
        for suffix, make in _VARIANTS.items():
            make(photo).save(folder / f"{title}{suffix}.jpg", quality=_QUALITY)
            count += 1
    return count


def _pencil(photo: Image.Image) -> Image.Image:
    """Return a pencil drawing: grey divided by its blurred negative (a "colour dodge")."""
    grey = ImageOps.grayscale(photo)
    blurred = ImageOps.invert(grey).filter(ImageFilter.GaussianBlur(8))
    light = np.asarray(grey, dtype=np.float32)
    dark = 256.0 - np.asarray(blurred, dtype=np.float32)
    dodged = np.clip(light * 256.0 / dark, 0, 255) ** 1.5 / 255**0.5
    return Image.fromarray(dodged.astype(np.uint8)).convert("RGB")


def _poster(photo: Image.Image) -> Image.Image:
    """Return a flat, posterised picture with few colours."""
    smooth = photo.filter(ImageFilter.MedianFilter(7))
    return ImageOps.posterize(ImageOps.autocontrast(smooth), 2)


def _mirrored(photo: Image.Image) -> Image.Image:
    """Return the middle 80% of the picture, mirrored."""
    x, y = photo.width // 10, photo.height // 10
    return ImageOps.mirror(photo.crop((x, y, photo.width - x, photo.height - y)))


def _framed(photo: Image.Image) -> Image.Image:
    """Return a smaller, warmer copy in a frame."""
    warm = Image.blend(photo, Image.new("RGB", photo.size, (255, 170, 60)), 0.18)
    half = warm.resize((photo.width // 2, photo.height // 2))
    return ImageOps.expand(half, border=24, fill=(245, 240, 230))


_VARIANTS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "": lambda photo: photo,
    ", pencil drawing": _pencil,
    ", poster": _poster,
    ", mirrored detail": _mirrored,
    ", framed print": _framed,
}
