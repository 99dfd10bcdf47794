"""Pictures inside a picture: the panels of a collage and the photos of a screenshot."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median

import numpy as np
from numpy.typing import NDArray

from ml.memory import keep_freed_memory
from ml.panels.alignment import align_panels
from ml.panels.classification.classifiers import Classifiers, load_classifiers
from ml.panels.comics.choice import is_rather_comic
from ml.panels.comics.comic_search import ComicPanel, find_comic_panels
from ml.panels.config import CONFIG
from ml.panels.measurement.work_copy import WorkCopy, make_work_copy
from ml.panels.outlines import PanelOutline
from ml.panels.pages import is_page
from ml.panels.refinement import refine, separate
from ml.panels.search.candidates import PanelCandidate
from ml.panels.search.panel_search import find_panels
from ml.panels.unusual.frames import find_framed_photos
from ml.panels.unusual.plain_panels import find_plain_panels
from ml.panels.unusual.soft_sides import find_soft_panels
from ml.rules.layout import Layout
from ml.types import Box


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture inside a picture.

    Attributes:
        box: pixels of the upright original.
        confidence: 0..1, that it is exactly one panel.
        outline: on the upright original, where its sides are not all upright or level; else None.
    """

    box: Box
    confidence: float
    outline: PanelOutline | None = None


@dataclass(frozen=True, slots=True)
class Splitting:
    """What a picture is made of.

    Attributes:
        layout: `SINGLE` has no panels, or one, where a wide plain margin surrounds it; `COLLAGE`
            two or more; `SCREENSHOT` any number, none included; `COMIC` three or more.
        panels: rows from the top, each from the left; they do not overlap.
    """

    layout: Layout
    panels: tuple[Panel, ...]


def split(pixels: NDArray[np.uint8]) -> Splitting:
    """Return the panels of a picture.

    A shrunken copy is segmented: a region on a canvas into what lies on it, any other region by
    straight edges from side to side (recursive X-Y cuts: Nagy and Seth, ICPR 1984), until nothing
    can be divided. Boosted trees, learned from made collages and pages (`ml.panels.learning`),
    decide which edges are cuts and which boxes are photos. Boxes are then moved to the pixel on
    the original. Where gutters of one colour, slanted ones included, say more, it is a comic. The
    same picture gives the same result.

    Args:
        pixels: (H, W, 3) uint8 RGB, upright, H and W ≥ 1; not changed.

    Raises:
        ValueError: the array has another shape or dtype; a defect of the caller.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:  # noqa: PLR2004 - rows, columns, channels
        raise ValueError(f"(H, W, 3) uint8 is needed, not {pixels.shape} {pixels.dtype}")
    if min(pixels.shape[:2]) < CONFIG.work_copy.min_picture_side_original_px:
        return Splitting(Layout.SINGLE, ())
    work_copy = make_work_copy(pixels)
    panels, rejected = find_panels(work_copy, _classifiers())
    comic = find_comic_panels(work_copy)
    if is_rather_comic(work_copy, comic, panels, is_collage=_are_collage(panels)):
        return Splitting(Layout.COMIC, _comic_on_original(pixels, work_copy, comic))
    if is_page(work_copy, [each.box for each in panels]):
        photos = [each for each in panels if _is_photo_sized(work_copy, each.box)]
        return Splitting(Layout.SCREENSHOT, _on_original(pixels, work_copy, photos))
    if len(panels) == 1 and _is_in_plain_margin(work_copy, panels[0]):
        return Splitting(Layout.SINGLE, _on_original(pixels, work_copy, panels))
    soft = find_soft_panels(work_copy, panels, rejected)
    if not soft and _are_collage(panels):
        aligned = align_panels(work_copy, panels, rejected)
        return Splitting(Layout.COLLAGE, _on_original(pixels, work_copy, aligned))
    others = soft or find_framed_photos(work_copy) or find_plain_panels(work_copy, rejected)
    layout = Layout.COLLAGE if others else Layout.SINGLE
    return Splitting(layout, _on_original(pixels, work_copy, others))


@cache
def _classifiers() -> Classifiers:
    keep_freed_memory()  # a picture's tables are large, and new pages are slow
    return load_classifiers()


def _comic_on_original(
    pixels: NDArray[np.uint8], work_copy: WorkCopy, comic: Sequence[ComicPanel]
) -> tuple[Panel, ...]:
    height, width = work_copy.gradient.shape
    scale = (width / pixels.shape[1], height / pixels.shape[0])
    boxes = separate([refine(pixels, each.outline.box, scale) for each in comic])
    panels = []
    for each, box in zip(comic, boxes, strict=True):
        if each.outline.is_box:
            panels.append(Panel(box, each.confidence))
        else:
            outline = each.outline.scaled(1 / scale[0], 1 / scale[1])
            panels.append(Panel(outline.box, each.confidence, outline))
    return tuple(sorted(panels, key=lambda panel: (panel.box.y0, panel.box.x0)))


def _is_photo_sized(work_copy: WorkCopy, box: Box) -> bool:
    """Return whether a box on a page is larger than avatars and icons."""
    min_side_px = CONFIG.page.min_photo_side_original_px * work_copy.scale
    return min(box.width, box.height) >= min_side_px


def _are_collage(panels: Sequence[PanelCandidate]) -> bool:
    """Return whether there are enough panels, and most of them are likely enough."""
    config = CONFIG.collage
    if len(panels) < config.min_panels:
        return False
    is_supported = len(panels) >= config.many_panels or all(each.has_clear_sides for each in panels)
    needed = config.min_supported_confidence if is_supported else config.min_confidence
    return median(each.confidence for each in panels) >= needed


def _is_in_plain_margin(work_copy: WorkCopy, photo: PanelCandidate) -> bool:
    """Return whether a picture's only photo lies in a margin that is worth cutting off."""
    return (
        photo.box.area <= CONFIG.mat.max_photo_share * work_copy.area
        and photo.confidence >= CONFIG.mat.min_confidence
        and photo.weakest_side >= CONFIG.mat.min_side_share
        and _is_plain_around(work_copy, photo.box)
    )


def _is_plain_around(work_copy: WorkCopy, box: Box) -> bool:
    rim = CONFIG.seams.snap_px
    is_margin = np.ones(work_copy.gradient.shape, np.bool_)
    left, top = max(0, box.x0 - rim), max(0, box.y0 - rim)
    is_margin[top : box.y1 + rim, left : box.x1 + rim] = False
    plain = np.count_nonzero(is_margin & (work_copy.gradient <= CONFIG.work_copy.max_ground_levels))
    return bool(plain >= CONFIG.mat.min_plain_share * np.count_nonzero(is_margin))


def _on_original(
    pixels: NDArray[np.uint8], work_copy: WorkCopy, found: Sequence[PanelCandidate]
) -> tuple[Panel, ...]:
    height, width = work_copy.gradient.shape
    scale = (width / pixels.shape[1], height / pixels.shape[0])
    boxes = separate([refine(pixels, each.box, scale) for each in found])
    panels = (Panel(box, each.confidence) for box, each in zip(boxes, found, strict=True))
    return tuple(sorted(panels, key=lambda panel: (panel.box.y0, panel.box.x0)))
