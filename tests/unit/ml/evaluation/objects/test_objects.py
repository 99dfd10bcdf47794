import json

import pytest
from PIL import Image

from ml.detection.base import DetectorSpec
from ml.errors import EvaluationDataInvalid, NoPositives
from ml.evaluation import command
from ml.evaluation.objects.examine import examine
from ml.evaluation.objects.truth import read_object_truth
from tests.unit.ml.evaluation.objects.boxes import found

HEADER = "path,class,x,y,w,h\n"


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
