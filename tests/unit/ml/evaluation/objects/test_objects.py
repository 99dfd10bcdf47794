import importlib
import json
from itertools import product

import numpy as np
import pytest
from PIL import Image

from ml.detection.base import Detection, DetectorSpec
from ml.errors import EvaluationDataInvalid, NoPositives
from ml.evaluation import command
from ml.evaluation.objects.average_precision import average_precision
from ml.evaluation.objects.examine import examine
from ml.evaluation.objects.figures import DetectionResult, figures_by_class
from ml.evaluation.objects.matching import match
from ml.evaluation.objects.truth import ObjectTruth, read_object_truth
from ml.types import Box

HEADER = "path,class,x,y,w,h\n"


def truth_of(*objects):
    corners = np.array([corners for _, corners in objects], dtype=np.float64).reshape(-1, 4)
    return ObjectTruth(None, "a.png", tuple(label for label, _ in objects), corners)


def found(label, confidence, *corners):
    return Detection(Box(*corners), label, confidence)


class ColourDetector:
    """Answers by the colour of a picture's first pixel."""

    def __init__(self, answers, labels=("cat", "dog")):
        self.spec = DetectorSpec("colour", "none.pt", "0" * 64, labels)
        self.answers = answers

    def detect(self, images):
        return [self.answers.get(image.getpixel((0, 0)), ()) for image in images]


RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def folder(tmp_path):
    """Red: a cat and a dog. Blue: a cat. Green: nothing."""
    (tmp_path / "images").mkdir()
    for name, colour in (("red", RED), ("blue", BLUE), ("green", (0, 255, 0))):
        Image.new("RGB", (100, 100), colour).save(tmp_path / "images" / f"{name}.png")
    (tmp_path / "boxes.csv").write_text(
        HEADER + "red.png,Cat,0,0,50,50\nred.png,dog,50.5,50,40,40\nblue.png,cat,10,10,20,20.5\n"
    )
    return tmp_path


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
    importlib.import_module("ml.yolo_weights")  # which puts Pillow's own `open` back
    from ultralytics.utils.metrics import ap_per_class

    for is_right in product([False, True], repeat=6):
        right = np.array(is_right) & (np.cumsum(is_right) <= positives)
        confidences = np.linspace(0.9, 0.1, 6)
        classes = np.zeros(6)

        (_, _, _, _, _, expected, *_) = ap_per_class(
            right[:, None], confidences, classes, np.zeros(positives)
        )

        assert average_precision(right, positives) == pytest.approx(expected[0, 0], abs=1e-9)


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
    ("label", "right", "place"),
    [("dog", 10, 0), ("dog", 5, 0), ("dog", 4, -1), ("cat", 10, -1)],
    ids=["same", "half", "less than half", "another name"],
)
def test_a_box_is_right_by_name_and_half_of_both(label, right, place):
    truth = truth_of(("dog", (0, 0, 10, 10)))

    assert match(truth, [found(label, 0.5, 0, 0, right, 10)]).tolist() == [place]


def test_without_true_or_found_boxes_nothing_is_right():
    assert match(truth_of(), [found("dog", 0.5, 0, 0, 5, 5)]).tolist() == [-1]
    assert match(truth_of(("dog", (0, 0, 5, 5))), []).tolist() == []


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


def test_what_the_detector_cannot_name_is_said_and_in_no_figure(folder):
    detector = ColourDetector({RED: (found("dog", 0.9, 50, 50, 90, 90),)}, labels=("dog", "emu"))

    report = examine(folder, detector)

    assert report.unnamed() == ["cat"]
    assert [row.label for row in report.figures()] == ["all", "dog"]
    assert "no name for these, which are in no figure: cat." in report.table()


def test_a_detector_that_can_name_nothing_of_it_is_said(folder):
    with pytest.raises(NoPositives, match="no box of a class that the detector can name"):
        examine(folder, ColourDetector({}, labels=("emu",)))


def test_pictures_without_boxes_count_and_unreadable_ones_are_named(folder):
    with (folder / "boxes.csv").open("a") as stream:
        stream.write("gone.png,cat,0,0,9,9\n")
    (folder / "images" / "broken.png").write_bytes(b"no picture")
    wrong = found("cat", 0.99, 0, 0, 90, 90)

    report = examine(folder, ColourDetector({(0, 255, 0): (wrong,)}), batch_size=2)

    assert [each.truth.name for each in report.results] == ["blue.png", "green.png", "red.png"]
    assert sorted(each.name for each in report.unreadable) == ["broken.png", "gone.png"]
    # The box of the missing picture is not counted as one that was not found.
    assert [(row.label, row.boxes, row.wrong) for row in report.figures()] == [
        ("all", 3, 1),
        ("cat", 2, 1),
        ("dog", 1, 0),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("red.png,cat,0,0,x,5", "have to be numbers of pixels"),
        ("red.png,cat,0,0,0,5", "the box 0.0, 0.0, 0.0, 5.0 is none"),
        ("red.png,cat,nan,0,5,5", "is none"),
        ("red.png,,0,0,5,5", "class is empty"),
        ("../red.png,cat,0,0,5,5", "the path leaves the folder"),
    ],
)
def test_boxes_that_are_none_are_refused(folder, row, reason):
    (folder / "boxes.csv").write_text(HEADER + row + "\n")

    with pytest.raises(EvaluationDataInvalid, match=reason):
        read_object_truth(folder)


def test_a_folder_without_boxes_is_refused(tmp_path):
    with pytest.raises(EvaluationDataInvalid, match=r"has no boxes\.csv"):
        read_object_truth(tmp_path)


def test_pictures_may_lie_beside_the_boxes(tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    (tmp_path / "boxes.csv").write_text(HEADER + "a.png,Hot Dog,1,2,3.5,4\n")

    (truth,) = read_object_truth(tmp_path)

    assert (truth.name, truth.labels, truth.path) == ("a.png", ("hot dog",), tmp_path / "a.png")
    assert truth.corners.tolist() == [[1, 2, 4.5, 6]]


def run(folder, output, *flags, answers=None):
    def load(choice, *, device, batch_size):
        assert (choice, device) == ("mine.onnx", "auto")
        return ColourDetector(answers or {})

    flags = ["--protocol", "objects", "--data", str(folder), "--output", str(output), *flags]
    return command.main(flags, load_detector=load)


def test_the_command_writes_the_figures_and_the_failures(folder, tmp_path, capsys):
    output = tmp_path / "report"
    answers = {
        RED: (found("cat", 0.9, 0, 0, 50, 50), found("dog", 0.8, 0, 50, 40, 90)),
        BLUE: (found("cat", 0.7, 10, 10, 30, 30),),
    }

    assert run(folder, output, "--detector", "mine.onnx", answers=answers) == 0

    report = json.loads((output / "report.json").read_text())
    assert (report["protocol"], report["detector"]) == ("objects", "colour")
    assert report["primary_metric"]["value"] == pytest.approx(0.4975)
    rows = {row["label"]: row for row in report["figures"]}
    assert rows["cat"]["average_precision"] == pytest.approx(0.995)
    assert (rows["dog"]["average_precision"], rows["dog"]["wrong"]) == (0.0, 1)
    assert rows["all"]["average_precision"] == pytest.approx(0.4975)
    assert "| cat | 2 | 0.995 | 1.000 | 1.000 |" in (output / "report.md").read_text()
    assert "dog    1      0.000   0.000      0.000" in capsys.readouterr().out
    # One picture has mistakes: a cell of 372 px and a margin.
    assert Image.open(output / "failures.png").size[0] == 384


def test_without_mistakes_there_is_no_sheet(folder, tmp_path):
    (folder / "boxes.csv").write_text(HEADER + "blue.png,cat,10,10,20,20\n")
    answers = {BLUE: (found("cat", 0.7, 10, 10, 30, 30),)}

    assert run(folder, tmp_path / "out", "--detector", "mine.onnx", answers=answers) == 0

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "report.json",
        "report.md",
    ]


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ([], "--protocol objects needs --detector"),
        (["--detector", "mine.onnx", "--encoder", "clip"], "takes no encoder"),
        (["--detector", "mine.onnx", "--protocol", "panels"], "takes no detector"),
    ],
)
def test_flags_that_do_not_fit_are_refused(folder, tmp_path, capsys, flags, reason):
    with pytest.raises(SystemExit):
        run(folder, tmp_path / "out", *flags)

    assert reason in capsys.readouterr().err
