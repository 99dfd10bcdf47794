"""Photos that fade into the canvas: sides without an edge, which are where half is gone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ml.panels.config import CONFIG
from ml.panels.measurement.work_copy import WorkCopy
from ml.panels.search.candidates import PanelCandidate
from ml.types import Box, shared_area


def find_soft_panels(
    work_copy: WorkCopy, panels: Sequence[PanelCandidate], rejected: Sequence[PanelCandidate]
) -> list[PanelCandidate]:
    """Return the boxes that fade into the canvas; none where they are not several, most likely.

    Args:
        work_copy: the picture.
        panels: boxes that surround all that is no canvas.
        rejected: others, which do not look like panels.
    """
    soft: list[PanelCandidate] = []
    for each in [*panels, *rejected]:
        is_seen = max(each.sides) >= CONFIG.alignment.min_seen_share
        box = None if is_seen else _half_gone(work_copy, each.box)
        if box is not None and not any(shared_area(box, other.box) for other in soft):
            soft.append(replace(each, box=box))
    are_all = all(any(shared_area(each.box, other.box) for other in soft) for each in panels)
    likely = sum(each.is_likely for each in soft)
    is_collage = len(soft) >= CONFIG.collage.min_panels and 2 * likely >= len(soft) and are_all
    return soft if is_collage else []


def _half_gone(work_copy: WorkCopy, box: Box) -> Box | None:
    """Return the box of what is at least half there, or None where a side does not fade evenly.

    A thing on a plain ground does not fill a box: on its sides the ground shows.
    """
    distances = _from_canvas(work_copy, box)
    depths = [
        _half_gone_at(lines)
        for lines in (distances.T, distances, distances.T[::-1], distances[::-1])
    ]
    if any(depth is None for depth in depths):
        return None
    left, top, right, bottom = (depth or 0 for depth in depths)
    inner = distances[top : len(distances) - bottom, left : distances.shape[1] - right]
    rim = np.concatenate([inner[0], inner[-1], inner[:, 0], inner[:, -1]])
    is_shown = rim > CONFIG.soft_sides.max_canvas_levels
    if is_shown.mean() < CONFIG.soft_sides.min_shown_share:
        return None
    return Box(box.x0 + left, box.y0 + top, box.x1 - right, box.y1 - bottom)


def _from_canvas(work_copy: WorkCopy, box: Box) -> NDArray[np.float32]:
    """Return (h, w): how far each pixel of a box is from the colour around it, in levels."""
    height, width = work_copy.gradient.shape
    beside = CONFIG.soft_sides.canvas_px
    x0, y0 = max(0, box.x0 - beside), max(0, box.y0 - beside)
    x1, y1 = min(width, box.x1 + beside), min(height, box.y1 + beside)
    around = work_copy.pixels[y0:y1, x0:x1].astype(np.float32)
    rim = np.concatenate([around[0], around[-1], around[:, 0], around[:, -1]])
    inside = around[box.y0 - y0 : box.y1 - y0, box.x0 - x0 : box.x1 - x0]
    distances: NDArray[np.float32] = np.abs(inside - np.median(rim, axis=0)).max(axis=2)
    return distances


def _half_gone_at(lines: NDArray[np.float32]) -> int | None:
    """Return at which line, from outside, half of what is farther inside is reached.

    Args:
        lines: (N, M) of a box, parallel to the side.
    """
    config = CONFIG.soft_sides
    reach = int(config.reach_share * len(lines))
    if reach < config.min_reach_px:
        return None
    profile = lines[:reach].mean(axis=1)
    inside = float(profile[reach // 2 :].mean())
    rises = [int((profile >= share * inside).argmax()) for share in (0.25, 0.5, 0.75)]
    is_soft = rises[2] - rises[0] >= config.min_fading_px
    is_canvas_outside = profile[0] <= config.max_canvas_levels
    is_seen = inside >= config.min_inside_levels
    return rises[1] if is_soft and is_canvas_outside and is_seen else None
