"""Average precision of labelled boxes, as ultralytics' validator computes it.

A found box is right where it has the label of a true one and shares enough of both together with
it. The most confident found box chooses first, among the true boxes that no other has, the one that
it fits best.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml.detection.base import Detection
from ml.evaluation.objects.truth import ObjectTruth

LEAST_IOU = 0.5
# Recalls at which the precision is read, as COCO's evaluation does.
_RECALLS = np.linspace(0, 1, 101)
NOTHING = -1


def match(
    truth: ObjectTruth, detections: Sequence[Detection], *, least_iou: float = LEAST_IOU
) -> NDArray[np.int64]:
    """Return for each found box which true box it is.

    Args:
        truth: of N objects.
        detections: D of them, the most confident first.
        least_iou: intersection over union from which a box may be right, 0..1.

    Returns:
        (D,) places of true boxes, each at most once; `NOTHING` for a wrong one.
    """
    corners = np.array(
        [(each.box.x0, each.box.y0, each.box.x1, each.box.y1) for each in detections],
        dtype=np.float64,
    ).reshape(-1, 4)
    shares = intersections_over_unions(truth.corners, corners)
    labels = np.array([each.label for each in detections], dtype=object)
    shares[np.array(truth.labels, dtype=object)[:, None] != labels[None, :]] = 0
    found = np.full(len(detections), NOTHING, dtype=np.int64)
    if not truth.labels:
        return found
    for place in np.flatnonzero(shares.max(axis=0) >= least_iou):
        best = int(shares[:, place].argmax())
        if shares[best, place] >= least_iou:
            found[place] = best
            shares[best] = 0
    return found


def average_precision(is_right: NDArray[np.bool_], positives: int) -> float:
    """Return the area under precision over recall, 0..0.995.

    The precision at a recall is the highest at that recall or a larger one; it is read at 101
    recalls from 0 to 1, between which, and between the points of the curve, it is taken to be a
    straight line. From the highest recall reached on it is 0, so that a perfect class has 0.995.

    Args:
        is_right: (D,), of all found boxes of a class in all pictures, the most confident first.
        positives: how many true ones there are, ≥ 1.

    Source: `compute_ap` of ultralytics.utils.metrics.
    """
    if not len(is_right):
        return 0.0
    right = np.cumsum(is_right)
    recall, precision = right / positives, right / np.arange(1, len(is_right) + 1)
    recall = np.concatenate(([0.0], recall, [recall[-1], 1.0]))
    precision = np.concatenate(([1.0], precision, [0.0, 0.0]))
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.trapezoid(np.interp(_RECALLS, recall, highest), _RECALLS))


def intersections_over_unions(
    one: NDArray[np.float64], other: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (N, M) shares 0..1 of (N, 4) and (M, 4) boxes x0, y0, x1, y1, none of them empty."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=2)
    areas = (one[:, 2:] - one[:, :2]).prod(axis=1)
    others = (other[:, 2:] - other[:, :2]).prod(axis=1)
    return np.asarray(shared / (areas[:, None] + others[None, :] - shared))
