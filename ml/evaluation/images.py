"""The pictures that an evaluation looks at: files, and what is made of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ml.evaluation.datasets import read_bytes
from ml.images.decode import decode
from ml.rules.limits import MAX_PIXELS

Make = Callable[[Image.Image], Image.Image]


def as_it_is(picture: Image.Image) -> Image.Image:
    """Return the picture itself."""
    return picture


@dataclass(frozen=True, slots=True)
class EvaluationImage:
    """What is embedded or compared: a picture, or something made of it.

    Attributes:
        name: what a report calls it; unique in a plan.
        path: the file it is made of.
        subject: equal subjects make a positive pair; None (a distractor) makes none.
        unit: images of the same unit are drawn together by the bootstrap.
        make: upright RGB picture → upright RGB picture; does the same every time.
        also_shows: another file that is partly to be seen; the pair is neither right nor wrong.
    """

    name: str
    path: Path
    subject: str | None
    unit: str
    make: Make = as_it_is
    also_shows: Path | None = None


def read_image(image: EvaluationImage) -> Image.Image:
    """Return the picture of an image, upright RGB.

    Raises:
        MlError: the file is missing or damaged, or the image cannot be made of it.
    """
    return image.make(decode(read_bytes(image.path), max_pixels=MAX_PIXELS))
