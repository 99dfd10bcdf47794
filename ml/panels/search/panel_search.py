"""The search for panels: canvases and cuts in turn, down to the boxes that may be panels."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ml.panels.classification.classifiers import Classifiers
from ml.panels.classification.photo_features import coverage_of, full_coverage, panel_features
from ml.panels.config import CONFIG
from ml.panels.measurement.canvas import find_content
from ml.panels.measurement.cuts import find_cuts
from ml.panels.measurement.margins import trim_margins
from ml.panels.measurement.snapping import SnappedBox, snap
from ml.panels.measurement.work_copy import WorkCopy
from ml.panels.search.candidates import PanelCandidate
from ml.panels.search.nesting import replace_box_around_them, replace_canvas_under_them
from ml.panels.search.strips import have_gutters, strips_beside, strips_between_cuts
from ml.types import Box


def find_panels(
    work_copy: WorkCopy, classifiers: Classifiers
) -> tuple[list[PanelCandidate], list[PanelCandidate]]:
    """Return the panels of a work copy from the top, and the boxes that were found to be none.

    There are no panels where it is one photo or shows none.
    """
    if not work_copy.is_large_enough(work_copy.bounds):
        return [], []
    search = _PanelSearch(work_copy, classifiers)
    panels = search.on_canvas(work_copy.bounds, depth=0) or search.between_cuts(
        work_copy.bounds, depth=0, min_probability=CONFIG.search.sure_probability
    )
    return panels, search.rejected


@dataclass(slots=True)
class _Budget:
    """How much may still be looked into, which bounds the time: other boxes are only classified.

    Attributes:
        large_shares: area of the large boxes and something for each, as shares of the work copy.
        small_boxes: how many of the others.
    """

    large_shares: float = CONFIG.search.max_large_shares
    small_boxes: int = CONFIG.search.max_small_boxes

    def spend_on(self, share: float) -> bool:
        """Count a box of this share of the work copy; return whether it may be looked into."""
        if share >= CONFIG.search.large_share:
            self.large_shares -= share + CONFIG.search.share_per_large_box
            return self.large_shares >= 0
        self.small_boxes -= 1
        return self.small_boxes >= 0


@dataclass(frozen=True, slots=True)
class _Division:
    """A region cut in one direction.

    Attributes:
        probability: of its likeliest cut, 0..1.
        boxes: what lies between the cuts, without margins.
        has_gutters: whether there is space between them.
    """

    probability: float
    boxes: tuple[SnappedBox, ...]
    has_gutters: bool


@dataclass(frozen=True, slots=True)
class _PanelSearch:
    """The search in one work copy, by two ways in turn.

    Attributes:
        work_copy: the picture.
        classifiers: say which cuts and boxes are likely.
        known: the panels in each box that was met: both ways often lead to the same box.
        budget: what may still be looked into.
        rejected: boxes that hold no panel and are none.
    """

    work_copy: WorkCopy
    classifiers: Classifiers
    known: dict[Box, list[PanelCandidate]] = field(default_factory=dict)
    budget: _Budget = field(default_factory=_Budget)
    rejected: list[PanelCandidate] = field(default_factory=list)

    def on_canvas(self, region: Box, *, depth: int) -> list[PanelCandidate]:
        """Return the panels that lie on the canvas of a region."""
        content = find_content(self.work_copy.pixels, region)
        if content is None:
            return []
        panels = []
        boxes = content.joined_boxes(self.work_copy.min_side_px)
        for box in boxes:
            if _is_nearly_all_of(region, box):
                continue
            snapped = snap(self.work_copy, box, region)
            if depth >= CONFIG.search.sides_needed_from_depth and not snapped.has_own_sides:
                continue
            # A collage in a margin has straight sides, a thing on a plain ground has none.
            is_collage = len(boxes) == 1 and snapped.has_clear_own_sides
            panels += self._panels_in(
                region,
                snapped,
                coverage_of(content.mask, region, box),
                depth=depth,
                min_probability=_probability_needed(is_sure=not is_collage),
            )
        return panels

    def between_cuts(
        self, region: Box, *, depth: int, min_probability: float
    ) -> list[PanelCandidate]:
        """Return the panels between the cuts of the direction that has the likeliest one.

        Several panels need a cut as likely as `min_probability`; for one, a likely cut does.
        """
        division = self._divide(region)
        if division is None:
            return []
        panels = []
        for snapped in division.boxes:
            panels += self._panels_in(
                region,
                snapped,
                full_coverage(),
                depth=depth,
                min_probability=_probability_needed(is_sure=division.has_gutters),
            )
        if len(panels) >= CONFIG.search.min_confirming_panels:
            min_probability = min(min_probability, CONFIG.search.confirmed_probability)
        is_likely_enough = division.probability >= min_probability
        return panels if is_likely_enough or len(panels) == 1 else []

    def _divide(self, region: Box) -> _Division | None:
        best = None
        for is_upright in (True, False):
            cuts = find_cuts(self.work_copy, region, is_upright=is_upright)
            if not len(cuts.positions):
                continue
            probabilities = self.classifiers.cut_probabilities(region, cuts)
            probability = float(probabilities.max())
            strips = strips_between_cuts(self.work_copy, region, cuts, probabilities)
            needed = best.probability if best else CONFIG.search.likely_probability
            if not strips or probability <= needed:
                continue
            boxes = tuple(self._trimmed(strip, region) for strip in strips)
            # A rim that is back when the sides are moved says nothing of what is inside.
            if [each.box for each in boxes] != [region]:
                best = _Division(probability, boxes, have_gutters(strips))
        return best

    def _trimmed(self, strip: Box, region: Box) -> SnappedBox:
        return snap(self.work_copy, trim_margins(self.work_copy, strip), region)

    def _panels_in(
        self,
        region: Box,
        snapped: SnappedBox,
        coverage: NDArray[np.float32],
        *,
        depth: int,
        min_probability: float,
    ) -> list[PanelCandidate]:
        """Return the panels in a part of a region, which may be the part itself."""
        box = snapped.box
        if not self.work_copy.is_large_enough(box):
            return []
        if not self.work_copy.may_show_photo(box):
            self.rejected.append(PanelCandidate(box, 0.0, snapped.side_shares))
            return []
        if box not in self.known:
            self.known[box] = []  # of a box that leads back to itself
            candidate = self._classified(snapped, coverage)
            is_set_apart = min_probability >= CONFIG.search.sure_probability
            may_hold_panels = (
                # A rim that was cut off and is back when the sides are moved would be cut off
                # for ever.
                box != region
                and depth < CONFIG.search.max_depth
                # Two photos with nothing between look like one.
                and not (is_set_apart and candidate.is_surely_one_photo(self.work_copy.area))
                and self.budget.spend_on(box.area / self.work_copy.area)
            )
            self.known[box] = (
                self._panels_of(candidate, depth=depth + 1, min_probability=min_probability)
                if may_hold_panels
                else self._itself(candidate)
            )
        return self.known[box]

    def _classified(self, snapped: SnappedBox, coverage: NDArray[np.float32]) -> PanelCandidate:
        features = panel_features(self.work_copy, snapped, coverage=coverage)
        confidence = self.classifiers.panel_probability(snapped.box, features)
        return PanelCandidate(snapped.box, confidence, snapped.side_shares)

    def _panels_of(
        self, candidate: PanelCandidate, *, depth: int, min_probability: float
    ) -> list[PanelCandidate]:
        """Return the panels in a box; or the box itself, where that is likelier."""
        box = candidate.box
        on_canvas = self.on_canvas(box, depth=depth)
        if replace_canvas_under_them(self.work_copy, candidate, on_canvas):
            # Where all looks like a photo, the canvas may be the plain ground of one more.
            if candidate.looks_like_one_photo:
                on_canvas = on_canvas + self._panels_beside(box, on_canvas, depth=depth)
            return on_canvas
        between_cuts = self.between_cuts(box, depth=depth, min_probability=min_probability)
        if replace_box_around_them(self.work_copy, candidate, between_cuts):
            return between_cuts
        return self._itself(candidate)

    def _panels_beside(
        self, region: Box, panels: Sequence[PanelCandidate], *, depth: int
    ) -> list[PanelCandidate]:
        """Return the panels in strips from side to side of a region, beside all its panels."""
        found = []
        for strip in strips_beside(self.work_copy, region, [each.box for each in panels]):
            found += self._panels_in(
                region,
                self._trimmed(strip, region),
                full_coverage(),
                depth=depth,
                min_probability=_probability_needed(is_sure=True),
            )
        return found

    def _itself(self, candidate: PanelCandidate) -> list[PanelCandidate]:
        """Return a box that holds no panels as one, or reject it."""
        if candidate.is_likely:
            return [candidate]
        self.rejected.append(candidate)
        return []


def _is_nearly_all_of(region: Box, box: Box) -> bool:
    return box.area >= CONFIG.search.nearly_all_share * region.width * region.height


def _probability_needed(*, is_sure: bool) -> float:
    """Return how likely a cut has to be that separates several panels."""
    return CONFIG.search.sure_probability if is_sure else CONFIG.search.likely_probability
