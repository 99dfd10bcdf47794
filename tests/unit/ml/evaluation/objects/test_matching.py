import numpy as np
import pytest

from ml.evaluation.objects.matching import match
from tests.unit.ml.evaluation.objects.boxes import found, truth_of


def share(one, other):
    """Intersection over union of two boxes x0, y0, x1, y1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


@pytest.mark.parametrize("min_iou", [0.25, 0.5])
def test_matching_agrees_with_loops(rng, min_iou):
    for _ in range(20):
        low = rng.integers(0, 12, (11, 2))
        corners = np.concatenate([low, low + rng.integers(2, 9, (11, 2))], axis=1).tolist()
        labels = rng.choice(["cat", "dog"], 11).tolist()
        true, others = (
            list(zip(labels, corners, strict=True))[:5],
            list(zip(labels, corners, strict=True))[5:],
        )
        expected, free = [], set(range(5))
        for label, box in others:
            fits = {i: share(true[i][1], box) for i in sorted(free) if true[i][0] == label}
            best = max(fits, key=fits.get, default=None)
            is_right = best is not None and fits[best] >= min_iou
            expected.append(best if is_right else -1)
            free -= {best} if is_right else set()

        matched = match(
            truth_of(*true), [found(label, 0.5, *box) for label, box in others], min_iou=min_iou
        )

        assert matched.tolist() == expected


def test_the_most_confident_box_chooses_first_and_each_true_box_is_found_once():
    truth = truth_of(("dog", (0, 0, 10, 10)), ("dog", (0, 2, 10, 12)))

    matched = match(
        truth,
        [
            found("dog", 0.9, 0, 1, 10, 10),  # fits the first better
            found("dog", 0.8, 0, 0, 10, 10),  # which is taken: the second, 8 of 12
            found("dog", 0.7, 0, 0, 10, 10),
        ],
    )

    assert matched.tolist() == [0, 1, -1]


@pytest.mark.parametrize(
    ("label", "right", "index"),
    [("dog", 10, 0), ("dog", 5, 0), ("dog", 4, -1), ("cat", 10, -1)],
    ids=["same", "half", "less than half", "another name"],
)
def test_a_box_is_right_by_name_and_half_of_both(label, right, index):
    truth = truth_of(("dog", (0, 0, 10, 10)))

    assert match(truth, [found(label, 0.5, 0, 0, right, 10)]).tolist() == [index]


def test_without_true_or_found_boxes_nothing_is_right():
    assert match(truth_of(), [found("dog", 0.5, 0, 0, 5, 5)]).tolist() == [-1]
    assert match(truth_of(("dog", (0, 0, 5, 5))), []).tolist() == []
