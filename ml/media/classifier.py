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
# From which probability on a medium is said; set by hand, looking at PACS and emoji.
_MIN_PROBABILITY: Mapping[Medium, float] = {
    Medium.PHOTO: 0.95,
    Medium.PAINTING: 0.8,
    Medium.CARTOON: 0.93,
    Medium.SKETCH: 0.97,
}
_MIN_DRAWN = 0.95


@dataclass(frozen=True, slots=True)
class MediumProbabilities:
    """How probable each medium is by its own trees, 0..1; they need not add up to 1."""

    media: Mapping[Medium, float]
    drawn: float

    @property
    def medium(self) -> Medium:
        """The medium that is said: one that is sure and has no rival; else `UNKNOWN`."""
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
    drawn = found.pop(DRAWN)
    return MediumProbabilities({Medium(name): each for name, each in found.items()}, drawn)


@cache
def _trees() -> Mapping[str, Trees]:
    return load_trees(WEIGHTS)
