"""True and found boxes in few words."""

import numpy as np

from ml.detection.base import Detection
from ml.evaluation.objects.truth import ObjectTruth
from ml.types import Box


def truth_of(*objects):
    corners = np.array([corners for _, corners in objects], dtype=np.float64).reshape(-1, 4)
    return ObjectTruth(None, "a.png", tuple(label for label, _ in objects), corners)


def found(label, confidence, *corners):
    return Detection(Box(*corners), label, confidence)
