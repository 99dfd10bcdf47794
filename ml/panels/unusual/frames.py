"""Framed photos that lie on a photo: frames of one colour, which no camera takes so evenly."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from ml.panels.config import CONFIG
from ml.panels.measurement.snapping import snap
from ml.panels.measurement.work_copy import WorkCopy
from ml.panels.search.candidates import PanelCandidate
from ml.types import Box, shared_area


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """A frame around a photo.

    Attributes:
        photo: the box inside of it, pixels of the work copy.
        colour: (3,) levels, the frame's median.
    """

    photo: Box
    colour: NDArray[np.float64]


def find_framed_photos(work_copy: WorkCopy) -> list[PanelCandidate]:
    """Return the photos in frames of one colour, where there are several; else none."""
    if not _may_hold_frames(work_copy):
        return []
    frames: list[_Frame] = []
    for found in _frames(work_copy):
        if not any(shared_area(found.photo, other.photo) for other in frames):
            frames.append(found)
    for first in frames:
        same = [_panel(work_copy, each.photo) for each in frames if _has_same_colour(each, first)]
        # What stands apart on a plain ground has no straight sides.
        panels = [each for each in same if each.weakest_side >= CONFIG.frames.min_side_share]
        if len(panels) >= CONFIG.collage.min_panels:
            return panels
    return []


def _may_hold_frames(work_copy: WorkCopy) -> bool:
    """Return whether there are as many long edges as a frame has, inside and outside of it."""
    config, seams = CONFIG.frames, work_copy.seams
    for lines in (seams.rows(work_copy.bounds), seams.columns(work_copy.bounds)):
        if np.count_nonzero(lines[1:-1] >= config.min_length_share) < config.min_edge_lines:
            return False
    return True


def _has_same_colour(one: _Frame, other: _Frame) -> bool:
    return bool(np.abs(one.colour - other.colour).max() <= CONFIG.frames.same_colour_levels)


def _frames(work_copy: WorkCopy) -> Iterator[_Frame]:
    flat = cv2.inRange(work_copy.gradient, (0,), (CONFIG.frames.max_step_levels,))
    is_flat = np.asarray(flat, np.uint8)
    length = math.ceil(work_copy.min_side_px) | 1  # odd: symmetric
    # Flat all along: what is left of grain and textures is nothing, of a frame all of it.
    lines = _opened(is_flat, (length, 1)) | _opened(is_flat, (1, length))
    outlines, nesting = cv2.findContours(lines, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if nesting is None:
        return
    # What is around a frame may be as flat as it is: only the holes tell.
    for index in np.flatnonzero(nesting[0, :, 3] >= 0).tolist():
        photo = _rectangle(work_copy, outlines[index])
        colour = None if photo is None else _even_colour_around(work_copy, photo)
        if photo is not None and colour is not None and work_copy.may_show_photo(photo):
            yield _Frame(photo, colour)


def _opened(is_flat: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return 255 where a line of this size, shorter than 255, fits into what is 255, else 0."""
    # A mean is 255 only of 255 alone, and above 0 wherever a line reaches.
    fits = cv2.threshold(cv2.blur(is_flat, size), 254, 255, cv2.THRESH_BINARY)[1]
    held = cv2.threshold(cv2.blur(fits, size), 0, 255, cv2.THRESH_BINARY)[1]
    return np.asarray(held, np.uint8)


def _rectangle(work_copy: WorkCopy, outline: MatLike) -> Box | None:
    """Return the upright rectangle within an outline, where it is one, large enough."""
    x, y, width, height = cv2.boundingRect(outline)
    # An outline of a hole runs through the pixels around it.
    box = Box(x + 1, y + 1, x + width - 1, y + height - 1)
    if not work_copy.is_large_enough(box):
        return None
    filled = cv2.contourArea(outline)
    return box if filled >= CONFIG.frames.min_filled_share * (width - 1) * (height - 1) else None


def _even_colour_around(work_copy: WorkCopy, photo: Box) -> NDArray[np.float64] | None:
    """Return the colour of what surrounds a box, or None where it is more than one."""
    beside = CONFIG.frames.beside_px
    around = Box(photo.x0 - beside, photo.y0 - beside, photo.x1 + beside, photo.y1 + beside)
    whole = work_copy.bounds
    if min(around.x0, around.y0) < 0 or around.x1 > whole.x1 or around.y1 > whole.y1:
        return None
    part = work_copy.pixels[around.y0 : around.y1, around.x0 : around.x1]
    colours = np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]])
    colour = np.median(colours, axis=0)
    is_near = np.abs(colours - colour).max(axis=1) <= CONFIG.frames.max_off_levels
    return colour if is_near.mean() >= CONFIG.frames.min_even_share else None


def _panel(work_copy: WorkCopy, photo: Box) -> PanelCandidate:
    snapped = snap(work_copy, photo, work_copy.bounds)
    return PanelCandidate(snapped.box, CONFIG.search.sure_probability, snapped.side_shares)
