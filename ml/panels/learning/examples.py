"""The cuts and boxes that the search for panels meets in made pictures, and what they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.config import CONFIG
from ml.panels.made.collages import STYLES, Made, make_collage
from ml.panels.made.pages import make_page
from ml.panels.measurement.cuts import Cuts
from ml.panels.measurement.work_copy import make_work_copy
from ml.panels.search.panel_search import find_panels
from ml.types import Box


@dataclass(slots=True)
class Examples:
    """The features of cuts and boxes that a search for panels met, and the right answers.

    They are collected by taking the place of the classifiers (see `classifiers.Classifiers`): the
    answers are the truth, so that whatever follows comes from a correctly segmented region.
    """

    truth: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    cut_features: list[NDArray[np.float32]] = field(default_factory=list)
    cut_answers: list[bool] = field(default_factory=list)
    panel_features: list[NDArray[np.float32]] = field(default_factory=list)
    panel_answers: list[bool] = field(default_factory=list)

    def add(self, made: Made) -> None:
        """Search a picture for panels and keep the features of what is met."""
        work_copy = make_work_copy(made.pixels)
        boxes = [(box.x0, box.y0, box.x1, box.y1) for box in made.panels]
        self.truth = np.array(boxes, np.float32).reshape(-1, 4) * np.float32(work_copy.scale)
        find_panels(work_copy, self)

    def cut_probabilities(self, region: Box, cuts: Cuts) -> NDArray[np.float32]:
        """Return 1 for the cuts through no panel, else 0; keep those beside and through panels.

        Cuts in text and blank page are neither right nor wrong, but made, so that the panel
        classifier sees what they leave.
        """
        max_distance_px = CONFIG.examples.max_cut_distance_px
        low, high = (0, 2) if cuts.is_upright else (1, 3)
        side, end = (1, 3) if cuts.is_upright else (0, 2)
        first, last = (region.y0, region.y1) if cuts.is_upright else (region.x0, region.x1)
        shared_px = CONFIG.examples.min_shared_px
        is_in_region = self.truth[:, side] < last - shared_px
        is_in_region &= self.truth[:, end] > first + shared_px
        near = self.truth[is_in_region]
        answers = np.zeros(len(cuts.positions), np.float32)
        for index, position in enumerate(cuts.positions):
            crosses = near[:, low] < position - max_distance_px
            crosses &= near[:, high] > position + max_distance_px
            is_at_edge = np.abs(near[:, [low, high]] - position) <= max_distance_px
            answers[index] = not crosses.any()
            if crosses.any() or is_at_edge.any():
                self.cut_features.append(cuts.features[index])
                self.cut_answers.append(not crosses.any())
        return answers

    def panel_probability(self, box: Box, features: NDArray[np.float32]) -> float:
        """Return a likely yes for a panel, 0 for anything else; keep what is clearly either.

        It is never so sure of a panel that it is not looked into: what is in it counts, too.
        Several panels together are not kept: side by side they look like one, and only the cuts
        separate them.
        """
        config = CONFIG.examples
        best = max((_iou(box, truth) for truth in self.truth), default=0.0)
        together = sum(_inside(truth, box) >= config.min_inside_share for truth in self.truth)
        is_panel = best >= config.min_panel_iou
        if together <= 1 and (is_panel or best <= config.max_other_iou):
            self.panel_features.append(features)
            self.panel_answers.append(is_panel)
        return config.panel_probability * is_panel


def gather(paths: Sequence[Path], pictures: int, rng: np.random.Generator) -> Examples:
    """Return the examples of as many made pictures: collages, pages, and plain photos between.

    Args:
        paths: photo files.
        pictures: collages and pages together.
        rng: decides what is made.
    """
    photos = _photos(paths, rng)
    config = CONFIG.examples
    examples = Examples()
    for number in range(pictures):
        turn, index = divmod(number, config.round_pictures)
        if index < len(STYLES):
            examples.add(make_collage(STYLES[index], photos, rng))
        else:
            is_empty = index == len(STYLES) and turn % config.rounds_per_empty_page == 0
            examples.add(make_page(photos, rng, has_photos=not is_empty))
        for _ in range(config.plain_per_made):
            examples.add(_plain(photos(), rng))
    return examples


def _photos(paths: Sequence[Path], rng: np.random.Generator) -> Callable[[], NDArray[np.uint8]]:
    config = CONFIG.examples

    def photo() -> NDArray[np.uint8]:
        data = np.frombuffer(paths[int(rng.integers(len(paths)))].read_bytes(), np.uint8)
        pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)
        amount = float(rng.uniform(config.min_sharpening_factor, config.max_sharpening_factor))
        blurred = cv2.GaussianBlur(pixels, (0, 0), config.blur_original_px)
        sharp = cv2.addWeighted(pixels, 1.0 + amount, blurred, -amount, 0.0)
        return np.asarray(sharp, np.uint8)

    return photo


def _plain(photo: NDArray[np.uint8], rng: np.random.Generator) -> Made:
    """Return one photo, all of which is a panel, at a size that people post."""
    config = CONFIG.examples
    scale = float(rng.uniform(config.min_enlarged_factor, config.max_enlarged_factor))
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
