"""Pictures inside a picture: the panels of a collage and the photos of a screenshot."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from ml.memory import keep_freed_memory
from ml.panels.alignment import aligned
from ml.panels.cuts import Cuts
from ml.panels.pages import is_page
from ml.panels.panel_search import Found, find_panels
from ml.panels.photo_features import Outline
from ml.panels.refinement import apart, refined
from ml.panels.seams import SNAP_PX
from ml.panels.sheet import Sheet, make_sheet
from ml.panels.trees import Trees, load_trees
from ml.types import Box

_JUDGES = Path(__file__).with_name("judges.json")
_LEAST_PICTURE_PX = 16  # of a side: nothing can be seen in less
_LEAST_PANELS = 2  # of a collage
# The one photo of a picture is a panel if a margin is worth cutting off (the photo is at most this
# share of the picture), the margin is plain (this share of it, the photo's rim left out), and the
# photo is a sure one with straight sides: things on a plain ground have none.
_MOST_OF_PICTURE, _PLAIN, _SURE, _LEAST_SIDE = 0.8, 0.9, 0.7, 0.7
_FLAT = 3  # grey levels between neighbours: less is ground
# Median confidence of a collage's panels: most pictures are one photo, and things on a plain ground
# look a little like panels. In made collages it is above 0.9. Less is enough where all sides are
# straight all along, as drawings may be among them, or where there are many: small photos on a
# gradient are hard to tell one by one.
_COLLAGE_CONFIDENCE, _ENOUGH_CONFIDENCE, _STRAIGHT, _MANY = 0.88, 0.75, 0.9, 4
# What a photo on a page has at least, in pixels of the original: 96, less what its cut-off sides
# and round corners may hide. Smaller ones are avatars and icons.
_LEAST_PHOTO_PX = 90


class Kind(StrEnum):
    """What a picture is made of."""

    SINGLE = "single"
    COLLAGE = "collage"
    SCREENSHOT = "screenshot"


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture inside a picture.

    Attributes:
        box: pixels of the upright original.
        confidence: 0..1, that it is one whole panel.
    """

    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class Splitting:
    """What a picture is made of.

    Attributes:
        kind: `SINGLE` has no panels, or one, where a wide plain margin surrounds it; `COLLAGE` two
            or more; `SCREENSHOT` any number, none included.
        panels: rows from the top, each from the left; they do not overlap.
    """

    kind: Kind
    panels: tuple[Panel, ...]


def split(pixels: NDArray[np.uint8]) -> Splitting:
    """Return the panels of a picture.

    A shrunken copy is taken apart: a region on a canvas into what lies on it, any other region by
    straight edges from side to side (recursive X-Y cuts: Nagy and Seth, ICPR 1984), until nothing
    can be parted. Boosted trees, learned from made collages and pages (`ml.panels.learning`),
    decide which edges are cuts and which boxes are photos. Boxes are then moved to the pixel on
    the original. The same picture gives the same result.

    Args:
        pixels: (H, W, 3) uint8 RGB, upright, H and W ≥ 1; not changed.

    Raises:
        ValueError: the array has another shape or dtype; a defect of the caller.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:  # noqa: PLR2004 - rows, columns, channels
        raise ValueError(f"(H, W, 3) uint8 is needed, not {pixels.shape} {pixels.dtype}")
    if min(pixels.shape[:2]) < _LEAST_PICTURE_PX:
        return Splitting(Kind.SINGLE, ())
    sheet = make_sheet(pixels)
    found, rejected = find_panels(sheet, _judge())
    if is_page(sheet, [each.box for each in found]):
        large = [each for each in found if _is_photo_sized(each.box, sheet)]
        return Splitting(Kind.SCREENSHOT, _on_original(pixels, sheet, large))
    if len(found) == 1 and _is_in_margin(sheet, found[0]):
        return Splitting(Kind.SINGLE, _on_original(pixels, sheet, found))
    if len(found) < _LEAST_PANELS or not _is_collage(found):
        return Splitting(Kind.SINGLE, ())
    return Splitting(Kind.COLLAGE, _on_original(pixels, sheet, aligned(sheet, found, rejected)))


@dataclass(frozen=True, slots=True)
class _LearnedJudge:
    cut_trees: Trees
    panel_trees: Trees

    def cuts(self, sheet: Sheet, region: Box, cuts: Cuts) -> NDArray[np.float32]:
        return self.cut_trees.probability(cuts.features)

    def panel(self, sheet: Sheet, outline: Outline, features: NDArray[np.float32]) -> float:
        return float(self.panel_trees.probability(features[None])[0])


@cache
def _judge() -> _LearnedJudge:
    keep_freed_memory()  # a picture's tables are large, and new pages are slow
    trees = load_trees(_JUDGES)
    return _LearnedJudge(trees["cut"], trees["panel"])


def _is_photo_sized(box: Box, sheet: Sheet) -> bool:
    return min(box.width, box.height) >= _LEAST_PHOTO_PX * sheet.scale


def _is_collage(found: Sequence[Found]) -> bool:
    are_straight = min(each.weakest_side for each in found) >= _STRAIGHT
    is_less_enough = are_straight or len(found) >= _MANY
    needed = _ENOUGH_CONFIDENCE if is_less_enough else _COLLAGE_CONFIDENCE
    return median(each.confidence for each in found) >= needed


def _is_in_margin(sheet: Sheet, photo: Found) -> bool:
    box, size = photo.box, sheet.gradient.size
    if (
        box.width * box.height > _MOST_OF_PICTURE * size
        or photo.confidence < _SURE
        or photo.weakest_side < _LEAST_SIDE
    ):
        return False
    is_margin = np.ones(sheet.gradient.shape, np.bool_)
    left, top = max(0, box.x0 - SNAP_PX), max(0, box.y0 - SNAP_PX)
    is_margin[top : box.y1 + SNAP_PX, left : box.x1 + SNAP_PX] = False
    plain = np.count_nonzero(is_margin & (sheet.gradient <= _FLAT))
    return bool(plain >= _PLAIN * np.count_nonzero(is_margin))


def _on_original(
    pixels: NDArray[np.uint8], sheet: Sheet, found: Sequence[Found]
) -> tuple[Panel, ...]:
    height, width = sheet.gradient.shape
    scale = (width / pixels.shape[1], height / pixels.shape[0])
    boxes = apart([refined(pixels, each.box, scale) for each in found])
    panels = (Panel(box, each.confidence) for box, each in zip(boxes, found, strict=True))
    return tuple(sorted(panels, key=lambda panel: (panel.box.y0, panel.box.x0)))
