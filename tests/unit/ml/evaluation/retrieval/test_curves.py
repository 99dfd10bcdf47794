import numpy as np
from PIL import Image

from ml.evaluation.retrieval.bootstrap import Interval
from ml.evaluation.retrieval.curves import draw_curves
from ml.evaluation.retrieval.metrics import summarise
from ml.evaluation.retrieval.ranking import rank
from ml.evaluation.retrieval.results import Curve, Row


def row(panel="gallery: photo", line="sketch", system="grid"):
    found = summarise(rank(np.eye(2), np.eye(2, dtype=bool)))
    curve = Curve(panel, line, np.array([0.5, 1.0]), np.array([1.0, 0.6]))
    return Row("trial", system, found, {"r_precision": Interval(0, 1)}, curve=curve)


def size_of(path):
    with Image.open(path) as image:
        return image.format, image.size


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


def test_without_a_curve_nothing_is_drawn(tmp_path):
    without = Row("trial", "grid", None, {}, "None of 3 queries has a positive.")

    assert not draw_curves([without], tmp_path / "curves.png")
    assert list(tmp_path.iterdir()) == []
