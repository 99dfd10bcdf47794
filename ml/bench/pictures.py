"""The pictures that benchmarks work on."""

from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from PIL import Image

from ml.errors import MlError, NoPictures
from ml.evaluation.datasets import list_pictures, read_bytes
from ml.images.decode import decode
from ml.rules.limits import MAX_PIXELS

# Pictures for a network stay in memory, decoded, at no more than this; its input is smaller yet.
_MAX_SIDE_PX = 1024


def first_pictures(
    folder: Path, count: int | None, *, min_side_px: int | None = None
) -> Iterator[tuple[str, Image.Image]]:
    """Give a folder's first readable pictures, each with its path in the folder.

    Args:
        folder: searched at any depth; files that cannot be read are left out.
        count: how many at most; None gives all.
        min_side_px: as `ml.images.decode.decode` takes it: JPEGs may come smaller, down to this.

    Raises:
        EvaluationDataInvalid: there is no such folder, or nothing in it is named as a picture.
        NoPictures: none can be read.
    """
    is_empty = True
    for picture in islice(_readable(folder, min_side_px), count):
        is_empty = False
        yield picture
    if is_empty:
        raise NoPictures(f"No picture of {folder} can be read.", folder=str(folder))


def network_pictures(folder: Path, count: int) -> list[Image.Image]:
    """Return a folder's first pictures, no side above 1,024 px, over again where there are fewer.

    Args:
        folder: as for `first_pictures`.
        count: how many, ≥ 1.

    Raises:
        EvaluationDataInvalid: as `first_pictures`.
        NoPictures: as `first_pictures`.
    """
    images = []
    for _, image in first_pictures(folder, count, min_side_px=_MAX_SIDE_PX):
        image.thumbnail((_MAX_SIDE_PX, _MAX_SIDE_PX))
        images.append(image)
    return list(islice(cycle(images), count))


def _readable(folder: Path, min_side_px: int | None) -> Iterator[tuple[str, Image.Image]]:
    for path in list_pictures(folder):
        try:
            image = decode(read_bytes(path), max_pixels=MAX_PIXELS, min_side_px=min_side_px)
        except MlError:
            continue
        yield path.relative_to(folder).as_posix(), image
