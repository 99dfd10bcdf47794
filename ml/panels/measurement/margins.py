"""Flat margins that a cut left beside a photo."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.config import CONFIG
from ml.panels.measurement.work_copy import WorkCopy
from ml.types import Box


def trim_margins(work_copy: WorkCopy, box: Box) -> Box:
    """Return a box without the flat lines along its sides that end at a straight edge.

    Args:
        work_copy: the picture.
        box: in pixels of the work copy.

    Returns:
        The box itself where its margins are narrow, or end in no straight edge.
    """
    gradient = work_copy.gradient[box.y0 : box.y1, box.x0 : box.x1]
    is_rough = cv2.threshold(gradient, CONFIG.work_copy.max_ground_levels, 1, cv2.THRESH_BINARY)[1]
    columns, rows = (
        cv2.reduce(is_rough, along, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel() for along in (0, 1)
    )
    max_rough_share = 1.0 - CONFIG.margins.min_flat_share
    left, right = _ends(columns <= max_rough_share * box.height, work_copy.seams.columns(box))
    top, bottom = _ends(rows <= max_rough_share * box.width, work_copy.seams.rows(box))
    trimmed = Box(box.x0 + left, box.y0 + top, box.x0 + right, box.y0 + bottom)
    return trimmed if work_copy.is_large_enough(trimmed) else box


def _ends(is_flat: NDArray[np.bool_], edges: NDArray[np.float32]) -> tuple[int, int]:
    """Return where the lines that are not margin start and stop."""
    length = len(is_flat)
    shown = np.flatnonzero(~is_flat)
    if not len(shown):
        return 0, length
    first, last = int(shown[0]), int(shown[-1]) + 1
    snap_px = CONFIG.seams.snap_px
    start = first if first > snap_px and _has_edge(edges, first) else 0
    stop = last if length - last > snap_px and _has_edge(edges, last) else length
    return start, stop


def _has_edge(edges: NDArray[np.float32], line: int) -> bool:
    reach = CONFIG.margins.edge_reach_px
    near = edges[max(0, line - reach) : line + reach + 1]
    return float(near.max()) >= CONFIG.margins.min_edge_share
