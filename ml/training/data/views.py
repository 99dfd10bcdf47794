"""Views: what a picture looks like after somebody cropped, edited, pasted or drew it."""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as transforms

from ml.copies.made import edits
from ml.errors import InvalidTrainingConfig
from ml.training.config import ViewConfig
from ml.training.data.pictures import PictureSet
from ml.training.data.sampler import ViewRequest
from ml.training.data.sources import PHOTO
from ml.training.drawings import KINDS, draw
from ml.training.subjects import subject_mask

Pixels = NDArray[np.uint8]

# A crop loses pixels and is enlarged again: decode larger than the view by this much.
_SPARE = 1.5
_MIN_SIDE_PX = 16
# What people do to a copy, between which strengths, in the units of `ml.copies.made.edits`.
_COPY_EDITS: tuple[tuple[edits.Apply, float, float], ...] = (
    (edits.write_text, 8, 32),
    (edits.rotate, 2, 90),
    (edits.pad, 5, 50),
    (edits.place_inside, 30, 90),
)


@dataclass(frozen=True, slots=True)
class View:
    """One row of a batch.

    Attributes:
        pixels: (S, S, 3) uint8 RGB.
        label: number of the subject.
        medium: the picture's own, or the kind of drawing.
        picture: the source's index in the picture set.
    """

    pixels: Pixels
    label: int
    medium: str
    picture: int


class ViewMaker:
    """Makes views of the pictures of a set. Equal requests give equal views, in any order."""

    def __init__(self, pictures: PictureSet, config: ViewConfig, *, size_px: int) -> None:
        """Take over a set of pictures.

        Args:
            pictures: sources of the views, and of backgrounds.
            config: probabilities and strengths.
            size_px: S, width and height of every view.

        Raises:
            InvalidTrainingConfig: a kind of drawing is unknown.
        """
        unknown = sorted(set(config.drawing_weights) - set(KINDS))
        if unknown:
            raise InvalidTrainingConfig(
                f"There is no kind of drawing {unknown[0]!r}; known are {', '.join(KINDS)}.",
                kind=unknown[0],
            )
        self._pictures = pictures
        self._config = config
        self._size_px = size_px

    def make(self, request: ViewRequest) -> View:
        """Return the view that a request asks for.

        Raises:
            InvalidTrainingData: the file cannot be read any more.
        """
        rng = np.random.default_rng(request.seed)
        if request.is_made:
            pixels = self._drawing(request.picture, request.medium, rng)
        else:
            pixels = self._edited(request.picture, rng, is_photo=request.medium == PHOTO)
        return View(pixels, request.label, request.medium, request.picture)

    def _source(self, index: int) -> Pixels:
        return self._pictures.pixels(index, min_side_px=round(self._size_px * _SPARE))

    def _drawing(self, index: int, kind: str, rng: np.random.Generator) -> Pixels:
        view = self._cropped(self._source(index), self._config.drawing_area, rng)
        return draw(_to_pixels(view), kind, rng)

    def _edited(self, index: int, rng: np.random.Generator, *, is_photo: bool) -> Pixels:
        source = self._source(index)
        if is_photo and rng.random() < self._config.background:
            source = self._on_another_background(index, source, rng)
        view = self._cropped(source, self._config.photo_area, rng)
        pixels = self._copied(index, _to_pixels(self._with_edits(view, rng)), rng)
        if rng.random() < self._config.jpeg:
            return _through_jpeg(pixels, quality=int(rng.integers(25, 90)))
        return pixels

    def _cropped(self, source: Pixels, min_area: float, rng: np.random.Generator) -> torch.Tensor:
        """Return a (3, S, S) crop of the source, flipped by chance."""
        height, width = source.shape[:2]
        left, top, crop_width, crop_height = _crop(width, height, min_area, rng)
        view = transforms.resized_crop(
            torch.tensor(source).permute(2, 0, 1),
            top,
            left,
            crop_height,
            crop_width,
            [self._size_px, self._size_px],
            interpolation=InterpolationMode.BILINEAR,
            antialias=True,
        )
        if rng.random() < self._config.flip:
            view = transforms.horizontal_flip(view)
        return torch.as_tensor(view)

    def _with_edits(self, view: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        config = self._config
        if rng.random() < config.colour:
            view = transforms.adjust_brightness(view, rng.uniform(0.6, 1.4))
            view = transforms.adjust_contrast(view, rng.uniform(0.6, 1.4))
            view = transforms.adjust_saturation(view, rng.uniform(0.5, 1.5))
            view = transforms.adjust_hue(view, rng.uniform(-0.08, 0.08))
        if rng.random() < config.grey:
            view = transforms.rgb_to_grayscale(view, num_output_channels=3)
        if rng.random() < config.blur:
            sigma_px = rng.uniform(0.3, 2.0)
            kernel_px = 2 * math.ceil(2 * sigma_px) + 1
            view = transforms.gaussian_blur(view, [kernel_px, kernel_px], [sigma_px, sigma_px])
        return view

    def _copied(self, index: int, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """Return (S, S, 3) pixels with some of what people do to a copy."""
        chosen = [edit for edit in _COPY_EDITS if rng.random() < self._config.copy_edit]
        if not chosen:
            return pixels
        image = other = Image.fromarray(pixels)
        other_index = self._other(index, rng)
        for apply, low, high in chosen:
            if apply is edits.place_inside:
                other = Image.fromarray(self._source(other_index))
            image = apply(image, rng.uniform(low, high), rng, other)
        size = (self._size_px, self._size_px)
        return np.asarray(image.resize(size, Image.Resampling.BILINEAR))

    def _other(self, index: int, rng: np.random.Generator) -> int:
        count = len(self._pictures)
        return (index + int(rng.integers(1, max(2, count)))) % count

    def _on_another_background(
        self, index: int, source: Pixels, rng: np.random.Generator
    ) -> Pixels:
        """Return the picture with all but its probable subject replaced."""
        if min(source.shape[:2]) < _MIN_SIDE_PX:
            return source
        mask = subject_mask(source)
        if mask.all():  # nothing was told apart
            return source
        softness_px = max(source.shape[:2]) / 150
        keep = cv2.GaussianBlur(mask, (0, 0), softness_px)[..., None].astype(np.float32) / 255
        background = self._background(index, source.shape[:2], rng)
        return np.rint(source * keep + background * (1 - keep)).astype(np.uint8)

    def _background(
        self, index: int, shape: tuple[int, int], rng: np.random.Generator
    ) -> NDArray[Any]:
        """Return (H, W, 3), 0..255: a colour, a fade, or a blurred part of another picture."""
        height, width = shape
        kind = rng.choice(("colour", "fade", "picture", "picture"))
        if kind == "colour":
            return np.broadcast_to(rng.uniform(0, 255, 3), (height, width, 3))
        if kind == "fade":
            first, second = rng.uniform(0, 255, (2, 3))
            fade = np.linspace(0, 1, height)[:, None, None]
            return np.broadcast_to(first * fade + second * (1 - fade), (height, width, 3))
        other = self._source(self._other(index, rng))
        other_height, other_width = other.shape[:2]
        left, top, part_width, part_height = _crop(other_width, other_height, 0.1, rng)
        part = other[top : top + part_height, left : left + part_width]
        # Blurred, so that the other picture's subject is not a second subject here.
        blurred = cv2.resize(part, (16, 16), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_CUBIC))


def _crop(
    width: int, height: int, min_area: float, rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """Return left, top, width and height of a random crop of a picture, in pixels.

    Its area is uniform between `min_area` and all of the picture's, its shape between 3 : 4 and
    4 : 3 of the picture's own, as far as the picture reaches.
    """
    area = rng.uniform(min_area, 1.0)
    stretch = math.sqrt(math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3))))
    crop_width = min(width, max(1, round(width * math.sqrt(area) * stretch)))
    crop_height = min(height, max(1, round(height * math.sqrt(area) / stretch)))
    left = int(rng.integers(width - crop_width + 1))
    top = int(rng.integers(height - crop_height + 1))
    return left, top, crop_width, crop_height


def _through_jpeg(pixels: Pixels, *, quality: int) -> Pixels:
    """Return what is left of (H, W, 3) pixels after JPEG of a quality, 1..100."""
    swapped = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", swapped, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    return np.asarray(decoded, dtype=np.uint8)


def _to_pixels(view: torch.Tensor) -> Pixels:
    """Return (3, H, W) as contiguous (H, W, 3)."""
    return np.ascontiguousarray(view.permute(1, 2, 0).numpy())
