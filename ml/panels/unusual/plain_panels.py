"""Plain skies side by side: nothing is in them, but several of one size have straight sides."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from ml.panels.config import CONFIG
from ml.panels.measurement.work_copy import WorkCopy
from ml.panels.search.candidates import PanelCandidate
from ml.types import Box


def find_plain_panels(
    work_copy: WorkCopy, rejected: Sequence[PanelCandidate]
) -> list[PanelCandidate]:
    """Return boxes without texture that are panels by how they lie; none where only one does.

    Args:
        work_copy: the picture.
        rejected: boxes that do not look like panels.
    """
    clear = [each for each in rejected if each.has_clear_sides and _is_shaded(work_copy, each.box)]
    for first in clear:
        row = [each for each in clear if each is first or _is_beside(first.box, each.box)]
        if len(row) >= CONFIG.collage.min_panels:
            return [replace(each, confidence=CONFIG.search.likely_probability) for each in row]
    return []


def _is_shaded(work_copy: WorkCopy, box: Box) -> bool:
    """Return whether a box has more than one tone: a bar of a flag or a chart has one."""
    part = work_copy.pixels[box.y0 : box.y1, box.x0 : box.x1]
    cells = CONFIG.plain_panels.cells_a_side
    tones = np.asarray(cv2.resize(part, (cells, cells), interpolation=cv2.INTER_AREA))
    inner = tones[1:-1, 1:-1].reshape(-1, 3).astype(np.int16)
    return bool(np.ptp(inner, axis=0).max() >= CONFIG.plain_panels.min_shade_levels)


def _is_beside(one: Box, other: Box) -> bool:
    """Return whether a box of the same size is in the same row or column, behind a gutter."""
    near = CONFIG.alignment.same_line_px
    is_same_size = abs(one.width - other.width) <= near and abs(one.height - other.height) <= near
    across = max(one.x0, other.x0) - min(one.x1, other.x1)
    down = max(one.y0, other.y0) - min(one.y1, other.y1)
    is_in_line = abs(one.y0 - other.y0) <= near or abs(one.x0 - other.x0) <= near
    return is_same_size and is_in_line and max(across, down) >= CONFIG.plain_panels.min_gutter_px
