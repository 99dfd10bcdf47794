"""Average precision of labelled boxes, as ultralytics' validator computes it."""

import numpy as np
from numpy.typing import NDArray


def average_precision(is_right: NDArray[np.bool_], positives: int) -> float:
    """Return the area under precision over recall, 0..0.995.

    The precision at a recall is the highest at that recall or a larger one; it is read at 101
    recalls from 0 to 1, between which, and between the points of the curve, it is taken to be a
    straight line. From the highest recall reached on it is 0, so that a perfect class has 0.995.

    Args:
        is_right: (D,), of all found boxes of a class in all pictures, the most confident first.
        positives: how many true ones there are, ≥ 1.

    Example:
        >>> round(average_precision(np.array([True, True]), 2), 3)
        0.995
        >>> average_precision(np.array([], dtype=bool), 2)
        0.0
    """
    if not len(is_right):
        return 0.0  # the library says 0.5
    # Here: only a figure needs it. Our own module first: it takes the `open` of the library out of
    # Pillow again, and its words out of the standard output.
    import ml.weights.yolo  # noqa: F401

    # isort: split
    from ultralytics.utils.metrics import compute_ap

    right = np.cumsum(is_right)
    recall, precision = right / positives, right / np.arange(1, len(is_right) + 1)
    area, _, _ = compute_ap(recall.tolist(), precision.tolist())
    return float(area)
