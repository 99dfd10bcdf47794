"""The two learned classifiers: which edges are cuts, and which boxes are photos."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ml.panels.measurement.cuts import Cuts
from ml.trees.boosted import Trees, load_trees
from ml.types import Box

_WEIGHTS = Path(__file__).with_name("judges.json")


class Classifiers(Protocol):
    """Decides what the search for panels cannot: trees in use, and the truth when they learn."""

    def cut_probabilities(self, region: Box, cuts: Cuts) -> NDArray[np.float32]:
        """Return (N,) float32: how likely each cut separates two panels of a region, 0..1."""

    def panel_probability(self, box: Box, features: NDArray[np.float32]) -> float:
        """Return how likely a box with these features is exactly one panel, 0..1."""


@dataclass(frozen=True, slots=True)
class TreeClassifiers:
    """Boosted trees, one set for cuts and one for panels; they see nothing but the features."""

    cut_trees: Trees
    panel_trees: Trees

    def cut_probabilities(self, region: Box, cuts: Cuts) -> NDArray[np.float32]:
        """Return (N,) float32: how likely each cut separates two panels of a region, 0..1."""
        return self.cut_trees.probability(cuts.features)

    def panel_probability(self, box: Box, features: NDArray[np.float32]) -> float:
        """Return how likely a box with these features is exactly one panel, 0..1."""
        return float(self.panel_trees.probability(features[None])[0])


def load_classifiers() -> TreeClassifiers:
    """Return the classifiers whose weights are packaged."""
    trees = load_trees(_WEIGHTS)
    return TreeClassifiers(trees["cut"], trees["panel"])
