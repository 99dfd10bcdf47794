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

from ml.detection.base import Detector
from ml.detection.selection import MOST_IN_A_SCENE, select_objects
from ml.encoders.base import Encoder
from ml.errors import EvaluationDataInvalid, MlError
from ml.evaluation.datasets import read_bytes
from ml.evaluation.retrieval.plan import MAX_PIXELS, View
from ml.images.decode import decode
from ml.left_out import LeftOut


@dataclass(frozen=True, slots=True)
class ObjectEmbeddings:
    """The objects of the views, as one encoder embeds them.

    Attributes:
        embeddings: (N, M, D) float32, rows of unit length, of at most M objects a view; zeros
            where there are fewer.
        is_there: (N, M) bool.
    """

    embeddings: NDArray[np.float32]
    is_there: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Embedded:
    """What came of the views.

    Attributes:
        embeddings: one (N, D) float32 a given encoder, rows of unit length in the views' order;
            zeros where the view could not be read.
        is_readable: (N,) bool.
        sha256: view by view, of its file's bytes; "" where the file could not be read at all.
        data_sha256: of names, subjects and files of all views, in name order.
        unreadable: the views that were left out.
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
    """What is known of the views so far."""

    sha256: list[str]
    unreadable: dict[int, str]


def embed(
    views: Sequence[View],
    encoders: Sequence[Encoder],
    *,
    batch_size: int,
    detector: Detector | None = None,
) -> Embedded:
    """Read each file once, and embed each view once with each encoder.

    Args:
        views: N of them, any order.
        encoders: all see the same pixels.
        batch_size: views in memory at a time, ≥ 1.
        detector: finds the objects that are embedded beside the whole view; None embeds none.

    Raises:
        EvaluationDataInvalid: not one view can be read.
        OutOfDeviceMemory: a batch does not fit.
        NonFiniteEmbedding: an encoder returned NaN, infinity or zeros.
    """
    reading = _Reading(sha256=[""] * len(views), unreadable={})
    embeddings = [np.zeros((len(views), encoder.spec.dim), np.float32) for encoder in encoders]
    objects = [] if detector is None else [_no_objects(rows) for rows in embeddings]
    batch: list[tuple[int, Image.Image]] = []

    def finish() -> None:
        _encode(batch, encoders, embeddings)
        if detector is not None:
            _encode_objects(batch, encoders, detector, objects)
        batch.clear()

    with tqdm(total=len(views), desc="pictures", unit="", disable=None) as progress:
        for place, image in _images(views, reading):
            progress.update()
            if image is not None:
                batch.append((place, image))
            if len(batch) == batch_size:
                finish()
        finish()
    if len(reading.unreadable) == len(views):
        raise EvaluationDataInvalid(
            f"None of the {len(views)} pictures can be read; {views[0].name}:"
            f" {reading.unreadable[0]}"
        )
    is_readable = np.ones(len(views), np.bool_)
    is_readable[list(reading.unreadable)] = False
    return Embedded(
        embeddings=tuple(embeddings),
        is_readable=is_readable,
        sha256=tuple(reading.sha256),
        data_sha256=_data_sha256(views, reading.sha256),
        unreadable=tuple(
            LeftOut(views[place].name, reason)
            for place, reason in sorted(reading.unreadable.items())
        ),
        objects=tuple(objects),
    )


def read_view(view: View) -> Image.Image:
    """Return the picture of a view, upright RGB.

    Raises:
        MlError: the file is missing or damaged, or the view cannot be made of it.
    """
    return view.make(decode(read_bytes(view.path), max_pixels=MAX_PIXELS))


def _images(views: Sequence[View], reading: _Reading) -> Iterator[tuple[int, Image.Image | None]]:
    """Yield every view's place and picture, file by file; None where there is no picture."""

    def path(place: int) -> Path:
        return views[place].path

    order = sorted(range(len(views)), key=path)
    for file, group in groupby(order, path):
        places = list(group)
        try:
            data = read_bytes(file)
            for place in places:
                reading.sha256[place] = hashlib.sha256(data).hexdigest()
            whole = decode(data, max_pixels=MAX_PIXELS)
        except MlError as err:
            reading.unreadable |= dict.fromkeys(places, str(err))
            yield from ((place, None) for place in places)
            continue
        for place in places:
            yield place, _made(views[place], place, whole, reading)


def _made(view: View, place: int, whole: Image.Image, reading: _Reading) -> Image.Image | None:
    try:
        return view.make(whole)
    except MlError as err:
        reading.unreadable[place] = str(err)
        return None


def _encode(
    batch: Sequence[tuple[int, Image.Image]],
    encoders: Sequence[Encoder],
    embeddings: Sequence[NDArray[np.float32]],
) -> None:
    places = [place for place, _ in batch]
    for encoder, rows in zip(encoders, embeddings, strict=True):
        rows[places] = encoder.encode([image for _, image in batch])


def _no_objects(rows: NDArray[np.float32]) -> ObjectEmbeddings:
    count, dim = rows.shape
    return ObjectEmbeddings(
        np.zeros((count, MOST_IN_A_SCENE, dim), np.float32),
        np.zeros((count, MOST_IN_A_SCENE), np.bool_),
    )


def _encode_objects(
    batch: Sequence[tuple[int, Image.Image]],
    encoders: Sequence[Encoder],
    detector: Detector,
    objects: Sequence[ObjectEmbeddings],
) -> None:
    places, crops = [], []
    found = detector.detect([image for _, image in batch])
    for (place, image), detections in zip(batch, found, strict=True):
        selected = select_objects(detections, width=image.width, height=image.height)
        for column, box in enumerate(each.box for each in selected):
            places.append((place, column))
            crops.append(image.crop((box.x0, box.y0, box.x1, box.y1)))
    if not crops:
        return
    rows, columns = zip(*places, strict=True)
    for encoder, filled in zip(encoders, objects, strict=True):
        filled.embeddings[rows, columns] = encoder.encode(crops)
        filled.is_there[rows, columns] = True


def _data_sha256(views: Sequence[View], sha256: Sequence[str]) -> str:
    lines = sorted(
        f"{view.name}\0{view.subject}\0{digest}" for view, digest in zip(views, sha256, strict=True)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
