"""Picture files as workers look at them: decoded once, upright, and cut into regions."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from PIL import Image

from ml.images.decode import decode_pages
from ml.types import Box
from workers.policies import translated

# A page on a 4K display is not reduced yet; 16 such pictures are 400 MB.
MAX_DECODED_PIXELS = 3840 * 2160


@dataclass(frozen=True, slots=True, eq=False)
class UprightPicture:
    """A decoded picture, perhaps in less detail than its original.

    Attributes:
        image: RGB.
        width: of the upright original, pixels.
        height: of the upright original, pixels.
        panels: where its panels are known to be, in pixels of the original; () where it is known
            to be a single picture, None where they have to be found.
    """

    image: Image.Image
    width: int
    height: int
    panels: tuple[Box, ...] | None = None

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB, of `image`."""
        return np.asarray(self.image)

    @property
    def bounds(self) -> Box:
        """All of it, in pixels of the original."""
        return Box(0, 0, self.width, self.height)

    def crop(self, box: Box) -> "UprightPicture":
        """Return the part in a box, given in pixels of the original; at least one pixel of it."""
        if box == self.bounds:
            return self
        x_scale, y_scale = self.image.width / self.width, self.image.height / self.height
        x0 = min(int(box.x0 * x_scale), self.image.width - 1)
        y0 = min(int(box.y0 * y_scale), self.image.height - 1)
        x1 = min(max(round(box.x1 * x_scale), x0 + 1), self.image.width)
        y1 = min(max(round(box.y1 * y_scale), y0 + 1), self.image.height)
        return UprightPicture(self.image.crop((x0, y0, x1, y1)), box.width, box.height)

    def on_original(self, box: Box) -> Box:
        """Return a box, given in pixels of `image`, in pixels of the original."""
        x_scale, y_scale = self.width / self.image.width, self.height / self.image.height
        x0 = min(round(box.x0 * x_scale), self.width - 1)
        y0 = min(round(box.y0 * y_scale), self.height - 1)
        x1 = min(max(round(box.x1 * x_scale), x0 + 1), self.width)
        y1 = min(max(round(box.y1 * y_scale), y0 + 1), self.height)
        return Box(x0, y0, x1, y1)


def decode_picture(data: bytes, *, width: int, height: int) -> UprightPicture:
    """Return a picture file upright, of at most `MAX_DECODED_PIXELS`: at 1/2, 1/3, ….

    Args:
        data: the file.
        width: of the upright original, as it was found when the file was taken in.
        height: of the upright original, pixels.

    Raises:
        UserInputError: with the code that `catalog.validation.validate` refuses such a file with.
    """
    shortest_px = min(width, height) // _times_too_large(width, height)
    with translated():
        decoded = decode_pages(
            data,
            max_pixels=settings.UPLOAD_MAX_PIXELS,
            max_frames=settings.UPLOAD_MAX_FRAMES,
            min_side_px=shortest_px,
        )
    image = decoded.image
    factor = _times_too_large(*image.size)  # only JPEG is decoded smaller, by powers of 2
    # Of another size than an earlier release recorded: boxes of pages would not fit.
    pages = decoded.pages if image.size == (width, height) else ()
    panels = pages or None
    return UprightPicture(image.reduce(factor) if factor > 1 else image, width, height, panels)


def with_panels(
    picture: UprightPicture, drawn: Iterable[tuple[int, int, int, int]] | None
) -> UprightPicture:
    """Return a picture with the panels that a person drew; as it is where nobody did."""
    return picture if drawn is None else replace(picture, panels=tuple(Box(*box) for box in drawn))


def _times_too_large(width: int, height: int) -> int:
    """Return by what its sides have to be divided, at least 1."""
    return math.ceil(math.sqrt(width * height / MAX_DECODED_PIXELS))
