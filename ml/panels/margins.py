"""Flat margins that a cut left beside a photo."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.seams import SNAP_PX
from ml.panels.sheet import Sheet
from ml.types import Box

_FLAT = 3  # grey levels between neighbours: more is no ground
_ALL_FLAT = 0.98  # share of a line's pixels: the ends of other lines may touch it
_LEAST_EDGE = 0.6  # share of a photo's side that shows an edge; things on a ground have less


def trimmed(sheet: Sheet, box: Box) -> Box:
    """Return a box without the flat lines along its sides that end at a straight edge.

    Args:
        sheet: the picture.
        box: in pixels of the work copy.

    Returns:
        The box itself where its margins are narrow, or end in no straight edge.
    """
    gradient = sheet.gradient[box.y0 : box.y1, box.x0 : box.x1]
    is_rough = cv2.threshold(gradient, _FLAT, 1, cv2.THRESH_BINARY)[1]
    columns, rows = (
        cv2.reduce(is_rough, along, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel() for along in (0, 1)
    )
    columns_flat = columns <= (1.0 - _ALL_FLAT) * box.height
    rows_flat = rows <= (1.0 - _ALL_FLAT) * box.width
    upright, level = sheet.seams.columns(box), sheet.seams.rows(box)
    left, right = _ends(columns_flat, upright)
    top, bottom = _ends(rows_flat, level)
    found = Box(box.x0 + left, box.y0 + top, box.x0 + right, box.y0 + bottom)
    return found if sheet.is_large(found) else box


def _ends(is_flat: NDArray[np.bool_], edges: NDArray[np.float32]) -> tuple[int, int]:
    """Return where the lines that are not margin start and stop."""
    length = len(is_flat)
    shown = np.flatnonzero(~is_flat)
    if not len(shown):
        return 0, length
    first, last = int(shown[0]), int(shown[-1]) + 1
    start = first if first > SNAP_PX and _has_edge(edges, first) else 0
    stop = last if length - last > SNAP_PX and _has_edge(edges, last) else length
    return start, stop


def _has_edge(edges: NDArray[np.float32], place: int) -> bool:
    return float(edges[max(0, place - 2) : place + 3].max()) >= _LEAST_EDGE
