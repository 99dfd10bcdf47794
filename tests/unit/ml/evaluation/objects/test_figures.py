import pytest

from ml.evaluation.objects.figures import DetectionResult, figures_by_class
from ml.evaluation.objects.matching import match
from tests.unit.ml.evaluation.objects.boxes import found, truth_of


def detected(truth, *detections):
    return DetectionResult(truth, detections, match(truth, detections))


def test_figures_of_each_class_and_of_all():
    pictures = [
        detected(
            truth_of(("cat", (0, 0, 10, 10)), ("dog", (20, 0, 30, 10))),
            found("cat", 0.9, 0, 0, 10, 10),
            found("dog", 0.2, 20, 0, 30, 10),  # right, but not shown
        ),
        detected(
            truth_of(("cat", (0, 0, 10, 10)), ("emu", (0, 0, 50, 50))),
            found("cat", 0.95, 50, 50, 60, 60),  # wrong, and surer than the right one
            found("cow", 0.9, 0, 0, 10, 10),  # no class of the data
        ),
    ]

    whole, cat, dog = figures_by_class(pictures, ("cat", "cow", "dog"))

    assert (cat.label, cat.boxes, cat.right, cat.wrong) == ("cat", 2, 1, 1)
    assert (cat.precision, cat.recall) == (0.5, 0.5)
    # Of two, one is found, after a wrong one: 0.5 up to recall 0.5.
    assert cat.average_precision == pytest.approx(0.25, abs=0.0051)
    assert (dog.label, dog.boxes, dog.right, dog.wrong) == ("dog", 1, 0, 0)
    assert (dog.precision, dog.recall) == (None, 0.0)
    assert dog.average_precision == pytest.approx(0.995)
    assert (whole.label, whole.boxes, whole.right, whole.wrong) == ("all", 3, 1, 1)
    assert whole.average_precision == pytest.approx((cat.average_precision + 0.995) / 2)
