"""The questions that come up while made pictures are taken apart, and the right answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.cuts import Cuts
from ml.panels.learning.collages import STYLES, Made, make_collage
from ml.panels.learning.pages import make_page
from ml.panels.panel_search import find_panels
from ml.panels.photo_features import Outline
from ml.panels.sheet import Sheet, make_sheet
from ml.types import Box

_AT_EDGE_PX = 3.0  # of the work copy: a cut this close to a panel's side is a good one
_IS_PANEL, _IS_NONE = 0.8, 0.6  # intersection over union; between them nothing is learned
_IS_INSIDE = 0.8  # of a panel's area
_ROUND = 10  # pictures: each style once, then pages
_ROUNDS_PER_EMPTY_PAGE = 3
_ENLARGED = (1.0, 3.0)  # plain photos: those to learn from may be smaller than what is split
# A collage enlarges small photos to learn from more than those that people post, and blurs them:
# unless they are sharpened, the trees take the edges of things in sharp photos for seams.
_SHARPENED, _BLUR_PX = (0.0, 2.0), 1.2
_PLAIN_EACH = 2  # plain photos after each made picture: most pictures are no collage


@dataclass(slots=True)
class Examples:
    """What was asked while pictures were taken apart, and the right answers.

    It is a judge (see `panel_search.Judge`) that answers from the truth, so that every later
    question comes from a correctly parted region, and keeps each question.
    """

    truth: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    cut_features: list[NDArray[np.float32]] = field(default_factory=list)
    cut_answers: list[bool] = field(default_factory=list)
    panel_features: list[NDArray[np.float32]] = field(default_factory=list)
    panel_answers: list[bool] = field(default_factory=list)

    def add(self, made: Made) -> None:
        """Take a picture apart and keep what was asked."""
        sheet = make_sheet(made.pixels)
        boxes = [(box.x0, box.y0, box.x1, box.y1) for box in made.panels]
        self.truth = np.array(boxes, np.float32).reshape(-1, 4) * np.float32(sheet.scale)
        find_panels(sheet, self)

    def cuts(self, sheet: Sheet, region: Box, cuts: Cuts) -> NDArray[np.float32]:
        """Return 1 for the cuts through no panel, else 0; keep those beside and through panels.

        Cuts in text and blank page are neither right nor wrong, but made, so that the other judge
        sees what they leave.
        """
        low, high = (0, 2) if cuts.is_upright else (1, 3)
        side, end = (1, 3) if cuts.is_upright else (0, 2)
        first, last = (region.y0, region.y1) if cuts.is_upright else (region.x0, region.x1)
        meets = (self.truth[:, side] < last - 4) & (self.truth[:, end] > first + 4)
        near = self.truth[meets]
        answers = np.zeros(len(cuts.places), np.float32)
        for number, place in enumerate(cuts.places):
            crosses = (near[:, low] < place - _AT_EDGE_PX) & (near[:, high] > place + _AT_EDGE_PX)
            at_edge = np.abs(near[:, [low, high]] - place) <= _AT_EDGE_PX
            answers[number] = not crosses.any()
            if crosses.any() or at_edge.any():
                self.cut_features.append(cuts.features[number])
                self.cut_answers.append(not crosses.any())
        return answers

    def panel(self, sheet: Sheet, outline: Outline, features: NDArray[np.float32]) -> float:
        """Return 0.9 for a panel, 0 for anything else; keep what is clearly one or the other.

        It is never so sure of a panel that it is not looked into: what is in it is asked, too.
        Several panels together are not kept: side by side they look like one, and only the cuts
        tell them apart.
        """
        best = max((_iou(outline.box, truth) for truth in self.truth), default=0.0)
        together = sum(_inside(truth, outline.box) >= _IS_INSIDE for truth in self.truth)
        if together <= 1 and (best >= _IS_PANEL or best <= _IS_NONE):
            self.panel_features.append(features)
            self.panel_answers.append(best >= _IS_PANEL)
        return 0.9 * (best >= _IS_PANEL)


def gather(paths: Sequence[Path], pictures: int, rng: np.random.Generator) -> Examples:
    """Return the examples of as many made pictures: collages, pages, and plain photos between.

    Args:
        paths: photo files.
        pictures: collages and pages together.
        rng: decides what is made.
    """
    photos = _photos(paths, rng)
    examples = Examples()
    for number in range(pictures):
        turn, place = divmod(number, _ROUND)
        if place < len(STYLES):
            examples.add(make_collage(STYLES[place], photos, rng))
        else:
            is_empty = place == len(STYLES) and turn % _ROUNDS_PER_EMPTY_PAGE == 0
            examples.add(make_page(photos, rng, has_photos=not is_empty))
        for _ in range(_PLAIN_EACH):
            examples.add(_plain(photos(), rng))
    return examples


def _photos(paths: Sequence[Path], rng: np.random.Generator) -> Callable[[], NDArray[np.uint8]]:
    def photo() -> NDArray[np.uint8]:
        data = np.frombuffer(paths[int(rng.integers(len(paths)))].read_bytes(), np.uint8)
        pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)
        amount = float(rng.uniform(*_SHARPENED))
        blurred = cv2.GaussianBlur(pixels, (0, 0), _BLUR_PX)
        sharp = cv2.addWeighted(pixels, 1.0 + amount, blurred, -amount, 0.0)
        return np.asarray(sharp, np.uint8)

    return photo


def _plain(photo: NDArray[np.uint8], rng: np.random.Generator) -> Made:
    """Return one photo, all of which is a panel, at a size that people post."""
    scale = float(rng.uniform(*_ENLARGED))
    pixels = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return Made(
        np.asarray(pixels, np.uint8), (Box(0, 0, pixels.shape[1], pixels.shape[0]),), (0,), (1.0,)
    )


def _shared(box: Box, truth: NDArray[np.float32]) -> float:
    width = min(box.x1, truth[2]) - max(box.x0, truth[0])
    height = min(box.y1, truth[3]) - max(box.y0, truth[1])
    return float(max(0.0, width) * max(0.0, height))


def _area(truth: NDArray[np.float32]) -> float:
    return float((truth[2] - truth[0]) * (truth[3] - truth[1]))


def _inside(truth: NDArray[np.float32], box: Box) -> float:
    return _shared(box, truth) / _area(truth)


def _iou(box: Box, truth: NDArray[np.float32]) -> float:
    shared = _shared(box, truth)
    return shared / (box.width * box.height + _area(truth) - shared)
