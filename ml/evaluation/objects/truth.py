"""Pictures whose objects are known: a folder with a boxes.csv."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.errors import EvaluationDataInvalid
from ml.evaluation.datasets import list_pictures, read_rows

BOXES, IMAGES = "boxes.csv", "images"
_SIDES = ("x", "y", "w", "h")


@dataclass(frozen=True, slots=True)
class ObjectTruth:
    """One picture and its objects.

    Attributes:
        path: its file, which may be missing or damaged.
        name: the path inside the pictures' folder, with slashes.
        labels: of N objects, lower case; none where nothing that counts is in the picture.
        corners: (N, 4) float64 x0, y0, x1, y1 in pixels of the upright picture, x0 < x1, y0 < y1.
    """

    path: Path
    name: str
    labels: tuple[str, ...]
    corners: NDArray[np.float64]


def read_object_truth(folder: Path) -> list[ObjectTruth]:
    """Return the pictures of a folder with their objects, in name order.

    Args:
        folder: holds a boxes.csv with the columns path, class, x, y, w and h (pixels, fractions
            allowed), a row an object. The paths are of pictures in it, or in its folder "images"
            where there is one. A picture without a row shows no object of any class.

    Raises:
        EvaluationDataInvalid: missing, empty or of another shape, or a box is none.
    """
    rows = read_rows(
        folder, columns=("path", "class", *_SIDES), file=BOXES, is_a_picture_once=False
    )
    root = folder / IMAGES if (folder / IMAGES).is_dir() else folder
    found: dict[str, list[tuple[str, tuple[float, ...]]]] = {
        path.relative_to(root).as_posix(): [] for path in list_pictures(root)
    }
    for row in rows:
        name = Path(row["path"]).as_posix()
        found.setdefault(name, []).append((row["class"].strip().lower(), _corners(row)))
    return [_truth(root, name, objects) for name, objects in sorted(found.items())]


def _truth(root: Path, name: str, objects: Sequence[tuple[str, tuple[float, ...]]]) -> ObjectTruth:
    corners = np.array([corners for _, corners in objects], dtype=np.float64).reshape(-1, 4)
    return ObjectTruth(root / name, name, tuple(label for label, _ in objects), corners)


def _corners(row: Mapping[str, str]) -> tuple[float, ...]:
    try:
        x, y, width, height = (float(row[name]) for name in _SIDES)
    except ValueError as err:
        raise EvaluationDataInvalid(
            f"{row['path']}: x, y, w and h have to be numbers of pixels.", path=row["path"]
        ) from err
    if not all(map(math.isfinite, (x, y, width, height))) or min(width, height) <= 0:
        raise EvaluationDataInvalid(
            f"{row['path']}: the box {x}, {y}, {width}, {height} is none.", path=row["path"]
        )
    return x, y, x + width, y + height
