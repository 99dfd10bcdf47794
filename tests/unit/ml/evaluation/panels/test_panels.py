import json

import numpy as np
import pytest
from PIL import Image

from ml.errors import EvaluationDataInvalid
from ml.evaluation import command
from ml.evaluation.panels.examine import examine
from ml.evaluation.panels.figures import figures_by_kind, match
from ml.evaluation.panels.truth import (
    COLLAGE_IOU,
    COMIC_IOU,
    PAGE_IOU,
    PanelTruth,
    read_panel_truth,
)
from ml.panels import Layout, Panel, Splitting
from ml.panels.outlines import PanelOutline, outline_of
from ml.types import Box, intersection_over_union

COLLAGE = {"style": "grid", "photos": [[0, 0, 50, 100], [50, 0, 100, 100]]}
PAGE = {"page": "chat", "photos": [[10, 10, 40, 40]], "ignore": [[60, 60, 90, 90]]}


def truth_of(*panels, ignored=(), min_iou=0.5, kind="grid"):
    return PanelTruth(None, "a.png", kind, min_iou, panels, ignored)


def folder_of(folder, entries, colours=None):
    for name in entries:
        colour = (colours or {}).get(name, "white")
        Image.new("RGB", (100, 100), colour).save(folder / name)
    (folder / "truth.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder


def splitter_of(boxes):
    """Return a splitter that answers by the colour of a picture's first pixel."""

    def split(pixels):
        found = boxes.get(tuple(int(level) for level in pixels[0, 0]), ())
        layout = Layout.COLLAGE if found else Layout.SINGLE
        return Splitting(layout, tuple(Panel(Box(*box), 0.9) for box in found))

    return split


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (Box(0, 0, 10, 10), 1.0),
        (Box(5, 0, 15, 10), 1 / 3),
        (Box(10, 0, 20, 10), 0.0),
        (Box(2, 2, 7, 7), 0.25),
    ],
    ids=["same", "half over", "beside", "inside"],
)
def test_the_shared_part_of_two_boxes(other, expected):
    assert intersection_over_union(Box(0, 0, 10, 10), other) == pytest.approx(expected)
    assert intersection_over_union(other, Box(0, 0, 10, 10)) == pytest.approx(expected)


def test_the_best_pair_is_taken_first_and_each_box_once():
    truth = truth_of(Box(0, 0, 10, 10), Box(0, 0, 10, 8))
    found = (Box(0, 0, 10, 8), Box(0, 0, 10, 7))

    matching = match(truth, found)

    assert (matching.right, matching.wrong, matching.missed) == (((0, 1), (1, 0)), (), ())


def test_two_found_boxes_on_one_true_one_are_one_right_and_one_wrong():
    matching = match(truth_of(Box(0, 0, 10, 10)), (Box(0, 0, 10, 9), Box(0, 0, 10, 10)))

    assert (matching.right, matching.wrong, matching.missed) == (((0, 1),), (0,), ())


def test_a_box_below_the_smallest_share_is_wrong_and_the_true_one_missed():
    found = (Box(0, 0, 100, 90),)

    assert match(truth_of(Box(0, 0, 100, 100), min_iou=0.9), found).right == ((0, 0),)
    matching = match(truth_of(Box(0, 0, 100, 100), min_iou=0.91), found)
    assert (matching.right, matching.wrong, matching.missed) == ((), (0,), (0,))


def test_a_box_on_an_ignored_one_is_neither_right_nor_wrong():
    truth = truth_of(ignored=(Box(0, 0, 10, 10),))

    assert match(truth, (Box(0, 0, 10, 5), Box(0, 0, 10, 4))).wrong == (1,)


def test_styles_pages_and_plain_photos_are_read(tmp_path):
    folder_of(tmp_path, {"a.png": COLLAGE, "b.png": PAGE, "c.png": {"photos": []}})

    first, second, third = read_panel_truth(tmp_path)

    assert (first.kind, first.min_iou) == ("grid", COLLAGE_IOU)
    assert first.panels == (Box(0, 0, 50, 100), Box(50, 0, 100, 100))
    assert (second.kind, second.min_iou) == ("chat", PAGE_IOU)
    assert second.ignored == (Box(60, 60, 90, 90),)
    assert (third.kind, third.min_iou, third.panels) == ("page", PAGE_IOU, ())


def test_a_comics_polygons_are_read(tmp_path):
    corners = [[0, 0], [60, 0], [40, 100], [0, 100]]
    folder_of(tmp_path, {"a.png": {"comic": "manga", "polygons": [corners]}})

    (truth,) = read_panel_truth(tmp_path)

    assert (truth.kind, truth.min_iou, truth.panels) == ("manga", COMIC_IOU, (Box(0, 0, 60, 100),))
    assert truth.outlines == (outline_of([(0, 0), (60, 0), (40, 100), (0, 100)]),)


def test_a_comics_panels_are_compared_by_their_outlines():
    slanted = outline_of([(0, 0), (60, 0), (20, 100), (0, 100)])
    truth = PanelTruth(None, "a.png", "manga", 0.85, (slanted.box,), outlines=(slanted,))

    by_box = match(truth, [slanted.box])
    by_outline = match(truth, [slanted.box], [slanted])

    assert (by_box.right, by_box.missed) == ((), (0,))  # two thirds of the box
    assert by_outline.right == ((0, 0),)


def test_the_outline_that_was_found_is_what_a_comic_is_measured_by(tmp_path):
    slanted = outline_of([(0, 0), (60, 0), (20, 100), (0, 100)])
    upright = PanelOutline.of_box(Box(64, 0, 100, 100))
    polygons = [[list(corner) for corner in each.corners] for each in (slanted, upright)]
    folder_of(tmp_path, {"a.png": {"comic": "manga", "polygons": polygons}})

    def split(_pixels):
        found = (Panel(slanted.box, 0.9, slanted), Panel(upright.box, 0.9))
        return Splitting(Layout.COLLAGE, found)

    (row,) = figures_by_kind(examine(tmp_path, splitter=split).results)

    assert (row.kind, row.right, row.wrong, row.f1) == ("manga", 2, 0, 1.0)


def test_pictures_without_a_truth_are_plain_photos(tmp_path):
    (tmp_path / "cat").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "cat" / "1.png")

    (found,) = read_panel_truth(tmp_path)

    assert (found.name, found.kind, found.panels) == ("cat/1.png", "single", ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"a.png": {}}',
        '{"a.png": {"photos": [[1, 2, 3]]}}',
        '{"a.png": {"photos": [[5, 0, 5, 9]]}}',
        '{"../a.png": {"photos": []}}',
        '{"a.png": {"photos": [["x", 0, 5, 9]]}}',
        '{"a.png": {"comic": "strip", "polygons": [[[0, 0], [9, 9], [9, 0], [0, 9]]]}}',
    ],
    ids=[
        "empty",
        "list",
        "nothing",
        "no photos",
        "3 ends",
        "no width",
        "outside",
        "words",
        "crossed",
    ],
)
def test_another_truth_is_refused(tmp_path, text):
    (tmp_path / "truth.json").write_text(text, encoding="utf-8")

    with pytest.raises(EvaluationDataInvalid, match=r"truth\.json"):
        read_panel_truth(tmp_path)


def test_figures_count_panels_plain_photos_and_empty_pages(tmp_path):
    red, green, blue = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    folder_of(
        tmp_path,
        {
            "a.png": COLLAGE,
            "b.png": {"style": "single", "photos": [[0, 0, 100, 100]]},
            "c.png": {"style": "single", "photos": [[0, 0, 100, 100]]},
            "d.png": {"photos": []},
        },
        {"a.png": red, "b.png": green, "c.png": "white", "d.png": blue},
    )
    boxes = {
        red: [(0, 0, 50, 100), (60, 0, 100, 100)],
        green: [(0, 0, 50, 50), (50, 0, 90, 50)],
        blue: [(0, 0, 20, 20)],
    }

    report = examine(tmp_path, splitter=splitter_of(boxes))

    grid, single, page, every = figures_by_kind(report.results)
    assert (grid.kind, grid.pictures, grid.panels, grid.right, grid.wrong) == ("grid", 1, 2, 1, 1)
    assert (grid.precision, grid.recall, grid.f1) == (0.5, 0.5, 0.5)
    assert (single.plain, single.plain_split, single.panels, single.wrong) == (2, 1, 0, 0)
    assert (page.empty, page.empty_kept, page.wrong, page.recall) == (1, 0, 1, None)
    assert (every.pictures, every.panels, every.right, every.wrong) == (4, 2, 1, 2)
    assert every.f1 == pytest.approx(2 / 5)


def test_unreadable_pictures_are_left_out_and_named(tmp_path):
    folder_of(tmp_path, {"a.png": COLLAGE, "b.png": PAGE})
    (tmp_path / "b.png").write_bytes(b"no picture")

    report = examine(tmp_path, splitter=splitter_of({}))

    assert [each.truth.name for each in report.results] == ["a.png"]
    assert [each.name for each in report.unreadable] == ["b.png"]
    assert "Left out: b.png" in report.table()


def test_the_command_needs_no_encoder_and_writes_table_report_and_sheet(tmp_path, capsys):
    data = tmp_path / "data"
    data.mkdir()
    folder_of(data, {"a.png": COLLAGE, "b.png": PAGE})
    output = tmp_path / "out"

    status = command.main(["--protocol", "panels", "--data", str(data), "--output", str(output)])

    printed = capsys.readouterr().out
    assert status == 0
    assert {path.name for path in output.iterdir()} == {"report.json", "report.md", "failures.png"}
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert [row["kind"] for row in report["figures"]] == ["grid", "chat", "all"]
    assert report["figures"][0] | {"milliseconds": 0} == {
        "kind": "grid",
        "pictures": 1,
        "panels": 2,
        "right": 0,
        "wrong": 0,
        "plain": 0,
        "plain_split": 0,
        "empty": 0,
        "empty_kept": 0,
        "milliseconds": 0,
        "precision": None,
        "recall": 0.0,
        "f1": 0.0,
    }
    assert "| grid | 1 | 2 | 0 | 0 | – | 0.000 | 0.000 |" in (output / "report.md").read_text()
    assert f"Written to {output}" in printed
    sheet = np.asarray(Image.open(output / "failures.png"))
    assert (sheet == (200, 30, 30)).all(axis=2).any()  # a missed panel's outline


def test_no_sheet_is_left_where_nothing_is_wrong(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    folder_of(data, {"a.png": {"photos": []}})
    (tmp_path / "failures.png").write_bytes(b"older")

    status = command.main(["--protocol", "panels", "--data", str(data), "--output", str(tmp_path)])

    assert status == 0
    assert not (tmp_path / "failures.png").exists()


def test_a_missing_folder_is_one_sentence(tmp_path, capsys):
    data = str(tmp_path / "absent")

    status = command.main(["--protocol", "panels", "--data", data, "--output", str(tmp_path)])

    assert status == 2
    assert capsys.readouterr().err == f"There is no folder {data}.\n"
