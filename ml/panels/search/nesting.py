"""Whether panels that were found in a box are likelier than the box itself."""

from collections.abc import Sequence

from ml.panels.config import CONFIG
from ml.panels.measurement.work_copy import WorkCopy
from ml.panels.search.candidates import PanelCandidate
from ml.types import Box


def replace_canvas_under_them(
    work_copy: WorkCopy, box: PanelCandidate, panels: Sequence[PanelCandidate]
) -> bool:
    """Return whether a box is but the canvas of the panels that lie on it."""
    if len(panels) != 1:
        return len(panels) > 1
    (photo,) = panels
    is_likelier = photo.is_likelier_than(box) and not photo.is_thing_in(box)
    return is_likelier or _is_on_card(work_copy, box.box, photo)


def replace_box_around_them(
    work_copy: WorkCopy, box: PanelCandidate, panels: Sequence[PanelCandidate]
) -> bool:
    """Return whether a box is but what surrounds the panels between its cuts.

    Photos side by side look like one photo: only the cuts themselves speak for several.
    """
    if len(panels) != 1:
        return len(panels) > 1
    (photo,) = panels
    is_as_likely = photo.is_about_as_likely_as(box) and not photo.is_thing_in(box)
    return is_as_likely or _is_on_card(work_copy, box.box, photo)


def _is_on_card(work_copy: WorkCopy, card: Box, photo: PanelCandidate) -> bool:
    """Return whether a photo has clear sides all around, and a rim on each side or text."""
    return photo.has_clear_sides and (
        _has_rim(card, photo.box) or _has_text_around(work_copy, card, photo.box)
    )


def _has_rim(card: Box, photo: Box) -> bool:
    rims = (photo.x0 - card.x0, photo.y0 - card.y0, card.x1 - photo.x1, card.y1 - photo.y1)
    return min(rims) > CONFIG.seams.snap_px


def _has_text_around(work_copy: WorkCopy, card: Box, photo: Box) -> bool:
    strokes = work_copy.stroke_px(card) - work_copy.stroke_px(photo)
    return strokes >= CONFIG.search.min_text_share * (card.area - photo.area)
