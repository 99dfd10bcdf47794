"""The protocol `parts`: whether a collage or page as query finds each of its photos.

Collages and pages are made of the catalogue's own photos, so that it is known what each panel
shows. A query is segmented at full size, and each panel that was found is searched as the product
searches a picture's few regions: the encoder's candidates, then proof by pixels.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from ml.commands.left_out import LeftOut
from ml.encoders.base import Encoder
from ml.evaluation.datasets import list_pictures
from ml.evaluation.images import EvaluationImage
from ml.evaluation.parts.catalogue import PhotoCatalogue
from ml.evaluation.parts.queries import PAGE, Query, make_query
from ml.evaluation.thumbnails import THUMBNAIL_PX
from ml.panels import Splitting, split
from ml.panels.made.collages import STYLES
from ml.types import Box, intersection_over_union

# A panel counts from this size; it is found where one of the found boxes shares so much with it.
MIN_SIDE_PX, MIN_IOU = 120, 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """A true panel of a query, and what came of it.

    Attributes:
        kind: style of the collage, or `PAGE`.
        query: number of the query, from 0.
        box: in pixels of the query.
        photo: name of what it shows.
        share: how much of the photo's area it shows, 0..1.
        is_found: whether the splitter found it.
        first: name of what is ranked first, copies before others; None where it was not found.
        is_right_by_score: whether what the encoder's score ranks first shows the photo.
        is_right: whether `first` does; near-identical ones are as good.
        thumbnail: the panel, small, for a report.
    """

    kind: str
    query: int
    box: Box
    photo: str
    share: float
    is_found: bool
    first: str | None
    is_right_by_score: bool
    is_right: bool
    thumbnail: Image.Image = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PartsResult:
    """What came of the queries.

    Attributes:
        images: the catalogue, in the order of its names.
        data_sha256: of names and files of the catalogue.
        unreadable: pictures that were left out.
        queries: how many were made.
        asked: their panels that count.
    """

    images: tuple[EvaluationImage, ...]
    data_sha256: str
    unreadable: tuple[LeftOut, ...]
    queries: int
    asked: tuple[Asked, ...]


def measure(
    folder: Path,
    encoder: Encoder,
    *,
    collages: int,
    pages: int,
    seed: int,
    limit: int | None = None,
    batch_size: int = 16,
    splitter: Callable[[NDArray[np.uint8]], Splitting] = split,
) -> PartsResult:
    """Return which photos of made collages and pages are found in their catalogue.

    Args:
        folder: photos, at any depth: the catalogue, and what queries are made of.
        encoder: gives the scores.
        collages: how many are made, each style in its turn.
        pages: how many are made.
        seed: decides what is made.
        limit: how many photos at most, evenly taken from all; None takes all.
        batch_size: pictures in memory at a time.
        splitter: is called as `split`.

    Raises:
        EvaluationDataInvalid: missing, or no photo can be read.
        MlError: as the encoder's `encode`.
    """
    paths = list_pictures(folder)
    if limit is not None and limit < len(paths):
        paths = [paths[index * len(paths) // limit] for index in range(limit)]
    names = [path.relative_to(folder).as_posix() for path in paths]
    images = [
        EvaluationImage(name, path, subject=name, unit=name)
        for name, path in zip(names, paths, strict=True)
    ]
    catalogue = PhotoCatalogue.of(images, encoder, batch_size)
    kinds = [*(STYLES[number % len(STYLES)] for number in range(collages)), *[PAGE] * pages]
    asked: list[Asked] = []
    for number, kind in enumerate(tqdm(kinds, desc="queries", unit="", disable=None)):
        query = make_query(catalogue, number, kind, np.random.default_rng((seed, number)))
        boxes = [panel.box for panel in splitter(query.made.pixels).panels]
        asked += _ask(catalogue, query, boxes)
    return PartsResult(
        tuple(images), catalogue.data_sha256, catalogue.unreadable, len(kinds), tuple(asked)
    )


def _ask(catalogue: PhotoCatalogue, query: Query, boxes: Sequence[Box]) -> Iterator[Asked]:
    """Yield the panels of a query that count, given the boxes that were found in it."""
    made = query.made
    found = [_cut(made.pixels, box) for box in boxes]
    embeddings = catalogue.encoder.encode([Image.fromarray(crop) for crop in found])
    for box, index, share in zip(made.panels, query.photos, made.shares, strict=True):
        if min(box.width, box.height) < MIN_SIDE_PX:
            continue
        fits = [intersection_over_union(box, other) for other in boxes]
        best = int(np.argmax(fits)) if fits else -1
        is_found = bool(fits) and fits[best] >= MIN_IOU
        by_score = catalogue.by_score(embeddings[best])[0] if is_found else None
        first = catalogue.ranked(found[best], embeddings[best])[0] if is_found else None
        same = catalogue.same_as(index)
        thumbnail = Image.fromarray(_cut(made.pixels, box))
        thumbnail.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
        yield Asked(
            query.kind,
            query.number,
            box,
            catalogue.images[index].name,
            share,
            is_found,
            None if first is None else catalogue.images[first].name,
            by_score in same,
            first in same,
            thumbnail,
        )


def _cut(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    return np.ascontiguousarray(pixels[box.y0 : box.y1, box.x0 : box.x1])
