"""An encoder for tests, deterministic, without weights, and meaningful; and a store that fails.

A picture's embedding is the mean colour of each cell of a grid, so that pictures which look alike
have a high score and the order of hits can be foretold.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.detection.base import Detection, DetectorSpec
from ml.encoders.base import EncoderSpec, PreprocessConfig
from ml.errors import MlError
from ml.types import Box
from vectors.index import VectorIndex

GRID = 4
DIM = GRID * GRID * 3 + 1
PREPROCESS = PreprocessConfig(
    size_px=GRID,
    resize="squash",
    resize_px=GRID,
    interpolation="bilinear",
    mean=(0.5, 0.5, 0.5),
    std=(1.0, 1.0, 1.0),
)
SPEC = EncoderSpec(
    name="grid",
    weights="none",
    weights_sha256="0" * 64,
    dim=DIM,
    preprocess=PREPROCESS,
    precision="float32",
)


def embed(picture: Image.Image) -> NDArray[np.float32]:
    """(DIM,) float32, unit length: cell means of R, G, B around mid-grey, and a constant."""
    cells = picture.convert("RGB").resize((GRID, GRID), Image.Resampling.BOX)
    means = np.asarray(cells, dtype=np.float32).ravel() / 255 - 0.5
    embedding = np.append(means, np.float32(0.1))
    return (embedding / np.linalg.norm(embedding)).astype(np.float32)


class SquareDetector:
    """`ml.detection.base.Detector` that finds what is not black in a picture wider than high."""

    spec = DetectorSpec(name="square", weights="none", weights_sha256="0" * 64, labels=("square",))

    def detect(self, images: Sequence[Image.Image]) -> list[tuple[Detection, ...]]:
        return [self._find(image) if image.width > image.height else () for image in images]

    def _find(self, image: Image.Image) -> tuple[Detection, ...]:
        corners = image.getbbox()
        return () if corners is None else (Detection(Box(*corners), "square", 0.9),)


class GridEncoder:
    """`ml.encoders.base.Encoder` on `embed`; `fault` decides which picture it fails on, and how.

    `batches` keeps the size of every call.
    """

    def __init__(
        self,
        spec: EncoderSpec = SPEC,
        fault: Callable[[Image.Image], Exception | None] = lambda _: None,
    ) -> None:
        self.spec = spec
        self.batches: list[int] = []
        self._fault = fault

    def encode(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        self.batches.append(len(images))
        for image in images:
            fault = self._fault(image)
            if fault is not None:
                raise fault
        rows = [embed(image) for image in images]
        return np.array(rows, dtype=np.float32).reshape(len(rows), self.spec.dim)


def fails_on(
    colour: tuple[int, int, int], error: Callable[[], Exception] = lambda: MlError("cannot")
) -> Callable[[Image.Image], Exception | None]:
    """A fault for pictures whose middle pixel has nearly this colour."""

    def fault(picture: Image.Image) -> Exception | None:
        pixel = picture.getpixel((picture.width // 2, picture.height // 2))
        is_it = max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) < 8
        return error() if is_it else None

    return fault


class GridDetector:
    """`ml.detection.base.Detector`; `find` says what is in a picture, by default nothing."""

    spec = DetectorSpec(name="grid", weights="none", weights_sha256="d" * 64, labels=("cat", "dog"))

    def __init__(self, find: Callable[[Image.Image], Sequence[Detection]] = lambda _: ()) -> None:
        self.batches: list[int] = []
        self._find = find

    def detect(self, images: Sequence[Image.Image]) -> list[tuple[Detection, ...]]:
        self.batches.append(len(images))
        return [tuple(self._find(image)) for image in images]


class FaultyIndex:
    """A `VectorIndex`; `fault` is called before one operation, and decides whether that fails."""

    def __init__(
        self, index: VectorIndex, operation: str, fault: Callable[[], Exception | None]
    ) -> None:
        self._index, self._operation, self._fault = index, operation, fault

    def __getattr__(self, name: str) -> Any:
        fault = self._fault() if name == self._operation else None
        if fault is not None:
            raise fault
        return getattr(self._index, name)
