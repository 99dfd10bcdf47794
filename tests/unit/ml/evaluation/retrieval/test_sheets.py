import numpy as np
from PIL import Image

from ml.evaluation.retrieval.bootstrap import Interval
from ml.evaluation.retrieval.metrics import rank, summarise
from ml.evaluation.retrieval.plan import View
from ml.evaluation.retrieval.sheets import MOST_FAILURES, draw_curves, draw_failures
from ml.evaluation.retrieval.trials import Curve, Failure, Row
from tests.unit.ml.evaluation import folders


def row(panel="gallery: photo", line="sketch", system="grid"):
    found = summarise(rank(np.eye(2), np.eye(2, dtype=bool)))
    curve = Curve(panel, line, np.array([0.5, 1.0]), np.array([1.0, 0.6]))
    return Row("trial", system, found, {"r_precision": Interval(0, 1)}, curve=curve)


def failure(trial="sketch → photo", query=0):
    return Failure(trial, query, 1, 0.9, 2, 7, 0.4, 30)


def size_of(path):
    with Image.open(path) as image:
        return image.format, image.size


def views(folder, count=3):
    paths = [folder / f"{'long_name_' * 4}{number}.png" for number in range(count)]
    for path, colour in zip(paths, [(200, 0, 0), (0, 200, 0), (0, 0, 200)], strict=True):
        folders.save(folders.subject(colour), path)
    return [View(path.name, path, path.name, path.name) for path in paths]


def test_every_panel_gets_its_place(tmp_path):
    draw_curves([row()], tmp_path / "one.png")
    draw_curves([row(panel=str(number)) for number in range(3)], tmp_path / "three.png")
    draw_curves([row(panel=str(number)) for number in range(5)], tmp_path / "five.png")

    (kind, one), three, five = (
        size_of(tmp_path / "one.png"),
        size_of(tmp_path / "three.png")[1],
        size_of(tmp_path / "five.png")[1],
    )
    assert kind == "PNG"
    assert three == (3 * one[0], one[1])
    assert (five[0], five[1] > one[1]) == (4 * one[0], True)


def test_curves_are_drawn_in_colour(tmp_path):
    draw_curves([row(), row(system="other")], tmp_path / "curves.png")

    with Image.open(tmp_path / "curves.png") as image:
        pixels = np.asarray(image.convert("RGB"))
    first_colour = (pixels == (31, 119, 180)).all(axis=2)  # matplotlib's C0
    assert first_colour.any()


def test_no_curve_and_no_failure_draw_nothing(tmp_path):
    without = Row("trial", "grid", None, {}, "None of 3 queries has a positive.")

    assert not draw_curves([without], tmp_path / "curves.png")
    assert not draw_failures([], [], tmp_path / "failures.png")
    assert list(tmp_path.iterdir()) == []


def test_trials_take_turns_on_the_sheet(tmp_path):
    many = [failure("first")] * 40 + [failure("second")] * 2

    draw_failures(many, views(tmp_path), tmp_path / "many.png")
    draw_failures(many[:1], views(tmp_path), tmp_path / "one.png")

    _, (width, height) = size_of(tmp_path / "one.png")
    assert size_of(tmp_path / "many.png")[1] == (3 * width, MOST_FAILURES // 3 * height)


def test_a_picture_that_is_gone_by_now_leaves_its_place_empty(tmp_path):
    shown = views(tmp_path)
    shown[1].path.unlink()

    draw_failures([failure()], shown, tmp_path / "sheet.png")

    with Image.open(tmp_path / "sheet.png") as sheet:
        middles = [sheet.getpixel((10 + 178 * column + 84, 110)) for column in range(3)]
    assert middles == [(200, 0, 0), (238, 238, 238), (0, 0, 200)]
