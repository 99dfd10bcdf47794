from PIL import Image

from ml.evaluation.images import EvaluationImage
from ml.evaluation.retrieval.failure_sheet import draw_failures
from ml.evaluation.retrieval.results import Failure
from ml.evaluation.sheet import MAX_FAILURES
from tests.unit.ml.evaluation import folders


def failure(trial="sketch → photo", query=0):
    return Failure(trial, query, 1, 0.9, 2, 7, 0.4, 30)


def size_of(path):
    with Image.open(path) as image:
        return image.format, image.size


def images_in(folder, count=3):
    paths = [folder / f"{'long_name_' * 4}{number}.png" for number in range(count)]
    for path, colour in zip(paths, [(200, 0, 0), (0, 200, 0), (0, 0, 200)], strict=True):
        folders.save(folders.subject(colour), path)
    return [EvaluationImage(path.name, path, path.name, path.name) for path in paths]


def test_without_failures_nothing_is_drawn(tmp_path):
    assert not draw_failures([], [], tmp_path / "failures.png")
    assert list(tmp_path.iterdir()) == []


def test_trials_take_turns_on_the_sheet(tmp_path):
    many = [failure("first")] * 40 + [failure("second")] * 2

    draw_failures(many, images_in(tmp_path), tmp_path / "many.png")
    draw_failures(many[:1], images_in(tmp_path), tmp_path / "one.png")

    _, (width, height) = size_of(tmp_path / "one.png")
    assert size_of(tmp_path / "many.png")[1] == (3 * width, MAX_FAILURES // 3 * height)


def test_a_picture_that_is_gone_by_now_leaves_its_place_empty(tmp_path):
    shown = images_in(tmp_path)
    shown[1].path.unlink()

    draw_failures([failure()], shown, tmp_path / "sheet.png")

    with Image.open(tmp_path / "sheet.png") as sheet:
        middles = [sheet.getpixel((10 + 178 * column + 84, 110)) for column in range(3)]
    assert middles == [(200, 0, 0), (238, 238, 238), (0, 0, 200)]
