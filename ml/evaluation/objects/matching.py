"""Which true box a found one is.

A found box is right where it has the label of a true one and shares enough of both together with
it. The most confident found box chooses first, among the true boxes that no other has, the one that
it fits best.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.ops import box_iou

from ml.detection.base import Detection
from ml.evaluation.objects.truth import ObjectTruth

MIN_IOU = 0.5
NOTHING = -1


def match(
    truth: ObjectTruth, detections: Sequence[Detection], *, min_iou: float = MIN_IOU
) -> NDArray[np.int64]:
    """Return for each found box which true box it is.

    Args:
        truth: of N objects.
        detections: D of them, the most confident first.
        min_iou: intersection over union from which a box may be right, 0..1.

    Returns:
        (D,) indices of true boxes, each at most once; `NOTHING` for a wrong one.
    """
    corners = np.array(
        [(each.box.x0, each.box.y0, each.box.x1, each.box.y1) for each in detections],
        dtype=np.float64,
    ).reshape(-1, 4)
    shares = box_iou(torch.from_numpy(truth.corners), torch.from_numpy(corners)).numpy()
    labels = np.array([each.label for each in detections], dtype=object)
    shares[np.array(truth.labels, dtype=object)[:, None] != labels[None, :]] = 0
    found = np.full(len(detections), NOTHING, dtype=np.int64)
    if not truth.labels:
        return found
    for index in np.flatnonzero(shares.max(axis=0) >= min_iou):
        best = int(shares[:, index].argmax())
        if shares[best, index] >= min_iou:
            found[index] = best
            shares[best] = 0
    return found
