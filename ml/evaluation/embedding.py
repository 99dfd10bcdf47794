"""The pictures of a plan, read once and embedded once by each encoder."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from ml.commands.left_out import LeftOut
from ml.detection.base import Detector
from ml.detection.selection import MAX_OBJECTS_IN_SCENE, select_objects
from ml.encoders.base import Encoder
from ml.errors import EvaluationDataInvalid, MlError
from ml.evaluation.datasets import read_bytes
from ml.evaluation.images import EvaluationImage
from ml.images.decode import decode
from ml.rules.limits import MAX_PIXELS


@dataclass(frozen=True, slots=True)
class ObjectEmbeddings:
    """The objects of the images, as one encoder embeds them.

    Attributes:
        embeddings: (N, M, D) float32, rows of unit length, of at most M objects an image; zeros
            where there are fewer.
        is_there: (N, M) bool.
    """

    embeddings: NDArray[np.float32]
    is_there: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Embedded:
    """What came of the images.

    Attributes:
        embeddings: one (N, D) float32 a given encoder, rows of unit length in the images' order;
            zeros where the image could not be read.
        is_readable: (N,) bool.
        sha256: image by image, of its file's bytes; "" where the file could not be read at all.
        data_sha256: of names, subjects and files of all images, in name order.
        unreadable: the images that were left out.
        objects: one a given encoder, where objects were looked for.
    """

    embeddings: tuple[NDArray[np.float32], ...]
    is_readable: NDArray[np.bool_]
    sha256: tuple[str, ...]
    data_sha256: str
    unreadable: tuple[LeftOut, ...]
    objects: tuple[ObjectEmbeddings, ...] = ()


@dataclass(slots=True)
class _Reading:
    """What is known of the images so far."""

    sha256: list[str]
    unreadable: dict[int, str]


def embed(
    images: Sequence[EvaluationImage],
    encoders: Sequence[Encoder],
    *,
    batch_size: int,
    detector: Detector | None = None,
) -> Embedded:
    """Read each file once, and embed each image once with each encoder.

    Args:
        images: N of them, any order.
        encoders: all see the same pixels.
        batch_size: images in memory at a time, ≥ 1.
        detector: finds the objects that are embedded beside the image; None embeds none.

    Raises:
        EvaluationDataInvalid: not one image can be read.
        OutOfDeviceMemory: a batch does not fit.
        NonFiniteEmbedding: an encoder returned NaN, infinity or zeros.
    """
    reading = _Reading(sha256=[""] * len(images), unreadable={})
    embeddings = [np.zeros((len(images), encoder.spec.dim), np.float32) for encoder in encoders]
    objects = [] if detector is None else [_no_objects(rows) for rows in embeddings]
    batch: list[tuple[int, Image.Image]] = []

    def finish() -> None:
        _encode(batch, encoders, embeddings)
        if detector is not None:
            _encode_objects(batch, encoders, detector, objects)
        batch.clear()

    with tqdm(total=len(images), desc="pictures", unit="", disable=None) as progress:
        for index, picture in _pictures(images, reading):
            progress.update()
            if picture is not None:
                batch.append((index, picture))
            if len(batch) == batch_size:
                finish()
        finish()
    if len(reading.unreadable) == len(images):
        raise EvaluationDataInvalid(
            f"None of the {len(images)} pictures can be read; {images[0].name}:"
            f" {reading.unreadable[0]}"
        )
    is_readable = np.ones(len(images), np.bool_)
    is_readable[list(reading.unreadable)] = False
    return Embedded(
        embeddings=tuple(embeddings),
        is_readable=is_readable,
        sha256=tuple(reading.sha256),
        data_sha256=_data_sha256(images, reading.sha256),
        unreadable=tuple(
            LeftOut(images[index].name, reason)
            for index, reason in sorted(reading.unreadable.items())
        ),
        objects=tuple(objects),
    )


def _pictures(
    images: Sequence[EvaluationImage], reading: _Reading
) -> Iterator[tuple[int, Image.Image | None]]:
    """Yield every image's index and picture, file by file; None where there is no picture."""

    def path(index: int) -> Path:
        return images[index].path

    order = sorted(range(len(images)), key=path)
    for file, group in groupby(order, path):
        indices = list(group)
        try:
            data = read_bytes(file)
            for index in indices:
                reading.sha256[index] = hashlib.sha256(data).hexdigest()
            full = decode(data, max_pixels=MAX_PIXELS)
        except MlError as err:
            reading.unreadable |= dict.fromkeys(indices, str(err))
            yield from ((index, None) for index in indices)
            continue
        for index in indices:
            yield index, _made(images[index], index, full, reading)


def _made(
    image: EvaluationImage, index: int, full: Image.Image, reading: _Reading
) -> Image.Image | None:
    try:
        return image.make(full)
    except MlError as err:
        reading.unreadable[index] = str(err)
        return None


def _encode(
    batch: Sequence[tuple[int, Image.Image]],
    encoders: Sequence[Encoder],
    embeddings: Sequence[NDArray[np.float32]],
) -> None:
    indices = [index for index, _ in batch]
    for encoder, rows in zip(encoders, embeddings, strict=True):
        rows[indices] = encoder.encode([picture for _, picture in batch])


def _no_objects(rows: NDArray[np.float32]) -> ObjectEmbeddings:
    count, dim = rows.shape
    return ObjectEmbeddings(
        np.zeros((count, MAX_OBJECTS_IN_SCENE, dim), np.float32),
        np.zeros((count, MAX_OBJECTS_IN_SCENE), np.bool_),
    )


def _encode_objects(
    batch: Sequence[tuple[int, Image.Image]],
    encoders: Sequence[Encoder],
    detector: Detector,
    objects: Sequence[ObjectEmbeddings],
) -> None:
    cells, crops = [], []
    found = detector.detect([picture for _, picture in batch])
    for (index, picture), detections in zip(batch, found, strict=True):
        selected = select_objects(detections, width=picture.width, height=picture.height)
        for column, box in enumerate(each.box for each in selected):
            cells.append((index, column))
            crops.append(picture.crop((box.x0, box.y0, box.x1, box.y1)))
    if not crops:
        return
    rows, columns = zip(*cells, strict=True)
    for encoder, filled in zip(encoders, objects, strict=True):
        filled.embeddings[rows, columns] = encoder.encode(crops)
        filled.is_there[rows, columns] = True


def _data_sha256(images: Sequence[EvaluationImage], sha256: Sequence[str]) -> str:
    lines = sorted(
        f"{image.name}\0{image.subject}\0{digest}"
        for image, digest in zip(images, sha256, strict=True)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
