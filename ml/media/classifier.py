"""How a picture was made, told from its pixels by boosted trees.

Learned by `python -m ml.training.media`; what it can and cannot tell is in `README.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.images.plain import is_plain
from ml.media import statistics
from ml.rules.media import Medium
from ml.trees.boosted import Trees, load_trees

WEIGHTS = Path(__file__).with_name("trees.json")
# Cartoons and sketches together: sometimes it is sure of that alone.
DRAWN = "drawn"
# Pages of sites and programs are of no medium.
PAGE = "page"
# From which probability on a medium is said; set by hand, looking at PACS and emoji.
_MIN_PROBABILITY: Mapping[Medium, float] = {
    Medium.PHOTO: 0.95,
    Medium.PAINTING: 0.8,
    Medium.CARTOON: 0.93,
    Medium.SKETCH: 0.97,
}
_MIN_DRAWN, _MIN_PAGE = 0.95, 0.5


@dataclass(frozen=True, slots=True)
class MediumProbabilities:
    """How probable each medium is by its own trees, 0..1; they need not add up to 1.

    Attributes:
        media: those that may be said.
        drawn: that it is a cartoon or a sketch.
        page: that it is a page, which is of no medium.
    """

    media: Mapping[Medium, float]
    drawn: float
    page: float = 0.0

    @property
    def medium(self) -> Medium:
        """The medium that is said: one that is sure and has no rival; else `UNKNOWN`."""
        if self.page >= _MIN_PAGE:
            return Medium.UNKNOWN
        best = max(self.media, key=lambda medium: self.media[medium])
        if self.media[best] >= _MIN_PROBABILITY[best]:
            return best
        return Medium.DRAWING if self.drawn >= _MIN_DRAWN else Medium.UNKNOWN


def tell_medium(image: Image.Image) -> Medium:
    """Return how a picture was made; `UNKNOWN` where that cannot be told surely enough.

    It never says `RENDER`.

    Args:
        image: RGB, transparency laid on its ground.
    """
    if min(image.size) < statistics.MIN_SIDE_PX or is_plain(image):
        return Medium.UNKNOWN
    return probabilities(statistics.features(np.asarray(image))).medium


def probabilities(row: NDArray[np.float32]) -> MediumProbabilities:
    """Return how probable each medium is.

    Args:
        row: (F,) float32, see `statistics.NAMES`.
    """
    found = {name: float(trees.probability(row[None])[0]) for name, trees in _trees().items()}
    drawn, page = found.pop(DRAWN), found.pop(PAGE)
    media = {Medium(name): each for name, each in found.items()}
    return MediumProbabilities(media, drawn, page)


@cache
def _trees() -> Mapping[str, Trees]:
    return load_trees(WEIGHTS)
