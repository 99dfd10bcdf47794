"""The protocol `parts`: whether a collage or page as query finds each of its photos.

Collages and pages are made of the catalogue's own photos, so that it is known what each panel
shows. A query is taken apart at full size, and each panel that was found is searched as the product
searches a picture's few parts: the encoder's candidates, then proof by pixels.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from ml.copies import features, pdq
from ml.copies.features import LocalFeatures
from ml.copies.lookup import HashLookup
from ml.copies.verification import verify
from ml.encoders.base import Encoder
from ml.errors import EvaluationDataInvalid
from ml.evaluation.datasets import list_pictures
from ml.evaluation.embedding import embed, read_view
from ml.evaluation.retrieval.plan import View
from ml.left_out import LeftOut
from ml.panels import Splitting, split
from ml.panels.learning.collages import STYLES, Made, Photos, make_collage
from ml.panels.learning.pages import make_page
from ml.types import Box, intersection_over_union

PAGE = "page"
# A panel counts from this size; it is found where one of the found boxes shares so much with it.
LEAST_SIDE_PX, LEAST_IOU = 120, 0.5
_CANDIDATES = 20  # of the encoder, that are compared pixel by pixel
_LEAST_PHOTO_PX = 16  # of a side: what collages are made of
_THUMBNAIL_PX = 168


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
        first: name of what is placed first, copies before others; None where it was not found.
        is_right: whether that shows the photo; near-identical ones are as good.
        is_right_by_score: likewise, of what the encoder's score puts first.
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
class Outcome:
    """What came of the queries.

    Attributes:
        views: the catalogue, in the order of its names.
        data_sha256: of names and files of the catalogue.
        unreadable: pictures that were left out.
        queries: how many were made.
        asked: their panels that count.
    """

    views: tuple[View, ...]
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
) -> Outcome:
    """Return which photos of made collages and pages are found in their catalogue.

    Args:
        folder: photos, at any depth: the catalogue, and what queries are made of.
        encoder: gives the scores.
        collages: how many are made, each style in its turn.
        pages: how many are made.
        seed: decides what is made.
        limit: most photos, evenly taken from all; None takes all.
        batch_size: pictures in memory at a time.
        splitter: is called as `split`.

    Raises:
        EvaluationDataInvalid: missing, or no photo can be read.
        MlError: as the encoder's `encode`.
    """
    paths = list_pictures(folder)
    if limit is not None and limit < len(paths):
        paths = [paths[place * len(paths) // limit] for place in range(limit)]
    names = [path.relative_to(folder).as_posix() for path in paths]
    views = [
        View(name, path, subject=name, unit=name) for name, path in zip(names, paths, strict=True)
    ]
    catalogue = _Catalogue.of(views, encoder, batch_size)
    kinds = [*(STYLES[number % len(STYLES)] for number in range(collages)), *[PAGE] * pages]
    asked: list[Asked] = []
    for number, kind in enumerate(tqdm(kinds, desc="queries", unit="", disable=None)):
        query = _query(catalogue, number, kind, np.random.default_rng((seed, number)))
        boxes = [panel.box for panel in splitter(query.made.pixels).panels]
        asked += _ask(catalogue, query, boxes)
    return Outcome(
        tuple(views), catalogue.data_sha256, catalogue.unreadable, len(kinds), tuple(asked)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Catalogue:
    """Photos as the product keeps them, by their places among the views."""

    views: Sequence[View]
    encoder: Encoder
    embeddings: NDArray[np.float32]
    lookup: HashLookup
    same_file: dict[str, list[int]]
    sha256: tuple[str, ...]
    usable: NDArray[np.intp]
    data_sha256: str
    unreadable: tuple[LeftOut, ...]
    features: dict[int, LocalFeatures]

    @classmethod
    def of(cls, views: Sequence[View], encoder: Encoder, batch_size: int) -> "_Catalogue":
        embedded = embed(views, [encoder], batch_size=batch_size)
        lookup = HashLookup()
        usable = []
        same_file: dict[str, list[int]] = {}
        for place in np.flatnonzero(embedded.is_readable).tolist():
            picture = _pixels(views[place])
            hashed = pdq.pdq_hash(picture)
            if hashed.is_reliable:
                lookup.add([place], hashed.bits[None])
            if min(picture.shape[:2]) >= _LEAST_PHOTO_PX:
                usable.append(place)
            same_file.setdefault(embedded.sha256[place], []).append(place)
        if not usable:
            raise EvaluationDataInvalid("No photo is large enough to make a collage of.")
        return cls(
            views,
            encoder,
            embedded.embeddings[0],
            lookup,
            same_file,
            embedded.sha256,
            np.array(usable, np.intp),
            embedded.data_sha256,
            embedded.unreadable,
            {},
        )

    def same_as(self, place: int) -> set[int]:
        """Return the places of a photo's near-identical copies, and its own."""
        return {place, *self.same_file[self.sha256[place]], *self._near(_pixels(self.views[place]))}

    def ranked(self, picture: NDArray[np.uint8], embedding: NDArray[np.float32]) -> list[int]:
        """Return the places of candidates: near-identical, edited copies, then by score."""
        candidates = self.by_score(embedding)[:_CANDIDATES]
        near = self._near(picture)
        described = features.extract(picture)
        shared: dict[int, float] = {}
        for place in candidates:
            placement = None if place in near else verify(described, self._features(place))
            if placement is not None:
                overlaps = placement.query_overlap_percent, placement.candidate_overlap_percent
                shared[place] = overlaps[0] * overlaps[1]
        edited = sorted(shared, key=lambda place: -shared[place])
        return list(dict.fromkeys([*near, *edited, *candidates]))

    def by_score(self, embedding: NDArray[np.float32]) -> list[int]:
        """Return the places of all readable photos, the most similar first."""
        order = np.argsort(-(self.embeddings @ embedding), kind="stable")
        return [int(place) for place in order if self.sha256[place] in self.same_file]

    def _near(self, picture: NDArray[np.uint8]) -> list[int]:
        upright, oriented = pdq.oriented_hashes(picture)
        if not upright.is_reliable:
            return []
        hits = self.lookup.search(oriented, radius_bits=pdq.NEAR_IDENTICAL_BITS)
        return [hit.key for hit in hits]

    def _features(self, place: int) -> LocalFeatures:
        if place not in self.features:
            self.features[place] = features.extract(_pixels(self.views[place]))
        return self.features[place]


@dataclass(frozen=True, slots=True)
class _Query:
    """A made query; `photos` are the places of what its panels show."""

    number: int
    kind: str
    made: Made
    photos: Sequence[int]


def _ask(catalogue: _Catalogue, query: _Query, boxes: Sequence[Box]) -> Iterator[Asked]:
    """Yield the panels of a query that count, given the boxes that were found in it."""
    made = query.made
    found = [_cut(made.pixels, box) for box in boxes]
    embeddings = catalogue.encoder.encode([Image.fromarray(crop) for crop in found])
    for box, place, share in zip(made.panels, query.photos, made.shares, strict=True):
        if min(box.width, box.height) < LEAST_SIDE_PX:
            continue
        fits = [intersection_over_union(box, other) for other in boxes]
        best = int(np.argmax(fits)) if fits else -1
        is_found = bool(fits) and fits[best] >= LEAST_IOU
        by_score = catalogue.by_score(embeddings[best])[0] if is_found else None
        first = catalogue.ranked(found[best], embeddings[best])[0] if is_found else None
        same = catalogue.same_as(place)
        thumbnail = Image.fromarray(_cut(made.pixels, box))
        thumbnail.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
        yield Asked(
            query.kind,
            query.number,
            box,
            catalogue.views[place].name,
            share,
            is_found,
            None if first is None else catalogue.views[first].name,
            by_score in same,
            first in same,
            thumbnail,
        )


def _query(catalogue: _Catalogue, number: int, kind: str, rng: np.random.Generator) -> _Query:
    asked: list[int] = []
    order: list[int] = []

    def photo() -> NDArray[np.uint8]:
        if not order:  # no photo twice before all were shown
            order.extend(int(place) for place in rng.permutation(catalogue.usable))
        asked.append(order.pop())
        return _pixels(catalogue.views[asked[-1]])

    makers: dict[str, Callable[[Photos, np.random.Generator], Made]] = {
        style: partial(make_collage, style) for style in STYLES
    }
    made = makers.get(kind, make_page)(photo, rng)
    return _Query(number, kind, made, [asked[turn] for turn in made.shown])


def _pixels(view: View) -> NDArray[np.uint8]:
    return np.asarray(read_view(view), np.uint8)


def _cut(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    return np.ascontiguousarray(pixels[box.y0 : box.y1, box.x0 : box.x1])
