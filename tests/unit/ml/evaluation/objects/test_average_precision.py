import importlib
from itertools import product

import numpy as np
import pytest

from ml.evaluation.objects.average_precision import average_precision


# By hand: recall and precision after each found box, the highest precision at that recall or a
# larger one, read at 0, 0.01, … 1, and the area under the straight lines between them.
@pytest.mark.parametrize(
    ("is_right", "positives", "area"),
    [
        ([], 1, 0.0),
        ([False, False], 3, 0.0),
        # 1 up to recall 0.99, and 0 at 1, where the curve has fallen.
        ([True, True], 2, 0.995),
        # Once right, at recall 0.5: 1 up to 0.49 and 0 from 0.5 on, where the curve has fallen.
        ([True], 2, 0.495),
        # The wrong one before halves the precision: between recall 0 (1) and 0 (0.5) it falls.
        ([False, True], 1, 0.5),
        # 1 up to 0.5; 2/3 at recall 1. From (0.5, 1) past (0.5, 2/3): flat at 2/3.
        ([True, False, True], 2, 0.5 + 0.5 * 2 / 3),
    ],
    ids=["nothing found", "nothing right", "all", "half", "wrong first", "wrong between"],
)
def test_average_precision_by_hand(is_right, positives, area):
    found = np.array(is_right, dtype=np.bool_)

    # Half a step of the 101 recalls, where the curve jumps.
    assert average_precision(found, positives) == pytest.approx(area, abs=0.0051)


@pytest.mark.parametrize("positives", [4, 7])
def test_average_precision_is_that_of_the_library(positives):
    importlib.import_module("ml.weights.yolo")  # which puts Pillow's own `open` back
    from ultralytics.utils.metrics import ap_per_class

    for is_right in product([False, True], repeat=6):
        right = np.array(is_right) & (np.cumsum(is_right) <= positives)
        confidences = np.linspace(0.9, 0.1, 6)
        classes = np.zeros(6)

        (_, _, _, _, _, expected, *_) = ap_per_class(
            right[:, None], confidences, classes, np.zeros(positives)
        )

        assert average_precision(right, positives) == pytest.approx(expected[0, 0], abs=1e-9)
