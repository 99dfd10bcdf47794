"""Collages and pages, made of a catalogue's own photos, so that it is known what each shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.parts.catalogue import PhotoCatalogue, pixels_of
from ml.panels.made.collages import STYLES, Made, Photos, make_collage
from ml.panels.made.pages import make_page

PAGE = "page"


@dataclass(frozen=True, slots=True)
class Query:
    """A made query; `photos` are the catalogue's indices of what its panels show."""

    number: int
    kind: str
    made: Made
    photos: Sequence[int]


def make_query(
    catalogue: PhotoCatalogue, number: int, kind: str, rng: np.random.Generator
) -> Query:
    """Return a query of a kind, made of the catalogue's photos.

    Args:
        catalogue: its usable photos are shown, none twice before all were.
        number: of the query.
        kind: style of a collage, or `PAGE`.
        rng: decides what is made.
    """
    shown: list[int] = []
    order: list[int] = []

    def photo() -> NDArray[np.uint8]:
        if not order:  # no photo twice before all were shown
            order.extend(int(index) for index in rng.permutation(catalogue.usable))
        shown.append(order.pop())
        return pixels_of(catalogue.images[shown[-1]])

    makers: dict[str, Callable[[Photos, np.random.Generator], Made]] = {
        style: partial(make_collage, style) for style in STYLES
    }
    made = makers.get(kind, make_page)(photo, rng)
    return Query(number, kind, made, [shown[turn] for turn in made.shown])
