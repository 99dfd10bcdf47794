"""Boxes that may be panels, with what the search and the classifier found of them."""

from dataclasses import dataclass

from ml.panels.config import CONFIG
from ml.types import Box


@dataclass(frozen=True, slots=True)
class PanelCandidate:
    """A box that may be a panel.

    Attributes:
        box: pixels of the work copy.
        confidence: 0..1, that it is exactly one panel.
        sides: left, top, right, bottom: the share of the side with an edge, 0..1; one on the
            work copy's rim counts 1.
    """

    box: Box
    confidence: float
    sides: tuple[float, ...]

    @property
    def weakest_side(self) -> float:
        """The least of its sides' shares."""
        return min(self.sides)

    @property
    def has_clear_sides(self) -> bool:
        """Whether each of its sides surely has an edge."""
        return self.weakest_side >= CONFIG.snapping.clear_side_share

    @property
    def is_likely(self) -> bool:
        """Whether it is rather a panel than none."""
        return self.confidence >= CONFIG.search.likely_probability

    @property
    def looks_like_one_photo(self) -> bool:
        """Whether all of it looks like a photo; two that touch do so as well."""
        return self.confidence >= CONFIG.search.surely_one_probability

    def is_surely_one_photo(self, work_copy_area: int) -> bool:
        """Return whether it is so small and clear a photo that edges in it belong to it."""
        is_small = self.box.area < CONFIG.search.small_share * work_copy_area
        return is_small and self.has_clear_sides and self.looks_like_one_photo

    def is_likelier_than(self, other: "PanelCandidate") -> bool:
        """Return whether it is rather a panel than the other, by more than a little."""
        return self.confidence > other.confidence + CONFIG.search.same_probability

    def is_about_as_likely_as(self, other: "PanelCandidate") -> bool:
        """Return whether the other is not clearly likelier."""
        return self.confidence >= other.confidence - CONFIG.search.same_probability

    def is_thing_in(self, photo: "PanelCandidate") -> bool:
        """Return whether it has a side without an edge, in a likely photo with clear sides."""
        is_clear_photo = photo.is_likely and photo.has_clear_sides
        return is_clear_photo and self.weakest_side < CONFIG.search.min_inner_side_share
