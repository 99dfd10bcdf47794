import json
import re

import numpy as np
import pytest
from PIL import Image

from ml.evaluation import report as reports
from ml.evaluation.command import main
from ml.evaluation.images import EvaluationImage
from ml.evaluation.parts import measure as parts
from ml.evaluation.parts.measure import Asked, PartsResult
from ml.evaluation.parts.report import MIN_SHARE, PartsReport
from ml.panels import Layout, Panel, Splitting, split
from ml.types import Box
from tests import fakes
from tests.fakes import GridEncoder
from tests.unit.ml.evaluation import folders
from tests.unit.ml.panels import pictures

SEEDS = range(1, 9)


class Blind(GridEncoder):
    """To which all pictures are alike, so that only copies tell them apart."""

    def encode(self, images):
        rows = np.zeros((len(images), self.spec.dim), np.float32)
        rows[:, 0] = 1.0
        return rows


@pytest.fixture
def photos(tmp_path):
    for seed in SEEDS:
        photo = pictures.photo(seed, 320, 240)
        folders.save(Image.fromarray(photo), tmp_path / "photos" / f"{seed}.png")
    return tmp_path / "photos"


def evaluate(data, output, *words):
    given = ["--protocol", "parts", "--encoder", "grid", "--data", str(data)]
    return main([*given, "--output", str(output), *words], load=lambda *_, **__: GridEncoder())


def measure(folder, encoder=None, *, collages=3, pages=0, splitter=split):
    return parts.measure(
        folder, encoder or GridEncoder(), collages=collages, pages=pages, seed=0, splitter=splitter
    )


def found_in(outcome):
    """Return the panels that the splitter found: more than half, as these photos are easy."""
    found = [each for each in outcome.asked if each.is_found]
    assert len(found) > len(outcome.asked) / 2
    return found


def asked(kind, query, *, is_found, is_right, by_score=False, share=1.0):
    first = "b.png" if is_found else None
    return Asked(
        kind,
        query,
        Box(0, 0, 200, 150),
        "a.png",
        share,
        is_found,
        first=first,
        is_right_by_score=by_score,
        is_right=is_right,
        thumbnail=Image.new("RGB", (40, 30), (200, 30, 30)),
    )


def test_the_photo_of_each_panel_that_is_found_comes_first(photos):
    outcome = measure(photos)

    assert {(each.kind, each.query) for each in outcome.asked} == {
        ("grid", 0),
        ("mosaic", 1),
        ("justified", 2),
    }
    assert all(min(each.box.width, each.box.height) >= 120 for each in outcome.asked)
    shown = [each for each in found_in(outcome) if each.share >= MIN_SHARE]
    assert [each.first for each in shown] == [each.photo for each in shown]
    assert all(each.is_right for each in shown)


def test_copies_are_placed_before_what_only_scores(photos):
    shown = [each for each in found_in(measure(photos, Blind())) if each.share >= MIN_SHARE]

    assert {each.is_right_by_score for each in shown if each.photo != "1.png"} == {False}
    assert [each.first for each in shown] == [each.photo for each in shown]


def test_a_mirrored_photo_is_as_good_as_the_photo(tmp_path):
    for seed in (1, 2):
        photo = pictures.photo(seed, 320, 240)
        folders.save(Image.fromarray(photo), tmp_path / f"{seed}.png")
        folders.save(Image.fromarray(photo[:, ::-1].copy()), tmp_path / f"{seed}_mirrored.png")

    found = found_in(measure(tmp_path, Blind()))

    # All score alike, and so the first in the alphabet is first.
    right = {each.photo: each.is_right_by_score for each in found}
    assert right == {"1.png": True, "1_mirrored.png": True, "2.png": False, "2_mirrored.png": False}


def test_photos_of_pages_are_asked_for(photos):
    outcome = measure(photos, collages=0, pages=3)

    shown = [each for each in found_in(outcome) if each.share >= MIN_SHARE]
    assert {each.kind for each in outcome.asked} == {"page"}
    # Headings over a photo may hide what it is known by.
    assert sum(each.is_right for each in shown) >= 0.8 * len(shown)


def test_a_panel_that_is_not_parted_is_lost(photos):
    outcome = measure(photos, splitter=lambda _: Splitting(Layout.SINGLE, ()))

    assert {(e.is_found, e.first, e.is_right) for e in outcome.asked} == {(False, None, False)}


def test_a_box_that_fits_less_than_half_is_not_the_panel(photos):
    def halves(pixels):
        return Splitting(
            Layout.COLLAGE,
            tuple(
                Panel(Box(box.x0, box.y0, box.x0 + (box.width * 2) // 5, box.y1), 1.0)
                for box in (each.box for each in split(pixels).panels)
            ),
        )

    outcome = measure(photos, splitter=halves)

    assert {each.is_found for each in outcome.asked} == {False}


def test_the_report_counts_what_was_lost_and_why(tmp_path):
    folders.save(Image.new("RGB", (60, 40), (20, 30, 200)), tmp_path / "b.png")
    images = (EvaluationImage("b.png", tmp_path / "b.png", subject="b.png", unit="b.png"),)
    report = PartsReport(
        data="photos",
        encoder="grid",
        spec=fakes.SPEC,
        seed=3,
        limit=None,
        result=PartsResult(
            images,
            "0" * 64,
            (),
            3,
            (
                asked("grid", 0, is_found=True, is_right=True, by_score=True),
                asked("grid", 0, is_found=True, is_right=True),
                asked("strip", 1, is_found=True, is_right=False),
                asked("strip", 1, is_found=False, is_right=False),
                asked("page", 2, is_found=False, is_right=False, share=0.3),
                asked("grid", 0, is_found=True, is_right=False, share=0.29),
            ),
        ),
    )

    reports.write(report, tmp_path / "out")

    stored = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in stored["figures"]}
    assert list(rows) == ["collages", "pages", "grid", "strip", "cropped further"]
    assert rows["collages"] == {
        "name": "collages",
        "queries": 2,
        "panels": 4,
        "parted": 0.75,
        "by_score": 0.25,
        "found": 0.5,
        "at_least": pytest.approx(0.0976, abs=1e-4),  # p where P(2 or more of 4) is 5 %
        "not_parted": 1,
        "wrong_first": 1,
    }
    # Of the five panels that show enough of their photos.
    assert stored["primary_metric"]["value"] == 0.4
    assert [(row["kind"], row["is_parted"], row["share"]) for row in stored["lost"]] == [
        ("strip", True, 1.0),
        ("strip", False, 1.0),
        ("page", False, 0.3),
        ("grid", True, 0.29),
    ]
    assert (rows["cropped further"]["panels"], rows["cropped further"]["wrong_first"]) == (1, 1)
    assert re.search(r"^pages +1 +1 +0\.000 +0\.000 +0\.000 ", report.table(), re.MULTILINE)
    with Image.open(tmp_path / "out" / "failures.png") as sheet:
        # The panel, and what came first: the photo itself is not in the catalogue.
        assert sheet.getpixel((12 + 20, 17 + 15)) == (200, 30, 30)
        assert sheet.getpixel((12 + 2 * 180 + 20, 17 + 15)) == (20, 30, 200)


def test_the_command_writes_the_same_again(photos, tmp_path, capsys):
    for name in ("first", "second"):
        assert evaluate(photos, tmp_path / name, "--collages", "1", "--pages", "1") == 0

    first, second = ((tmp_path / name / "report.json").read_bytes() for name in ("first", "second"))
    assert first == second
    assert re.search(r"^collages +1 +\d+ +[01]\.\d{3} ", capsys.readouterr().out, re.MULTILINE)
    assert "| collages | 1 |" in (tmp_path / "first" / "report.md").read_text(encoding="utf-8")


def test_a_limit_takes_photos_evenly_and_is_said(photos, tmp_path, capsys):
    assert (
        evaluate(photos, tmp_path / "out", "--limit", "4", "--collages", "1", "--pages", "0") == 0
    )

    stored = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert (stored["photos"], stored["limit"]) == (4, 4)
    assert "limited to 4 photos" in capsys.readouterr().out


def test_unreadable_photos_are_left_out_and_named(photos, tmp_path, capsys):
    (photos / "3.png").write_bytes(b"no picture")

    assert evaluate(photos, tmp_path / "out", "--collages", "1", "--pages", "0") == 0

    assert "left out: 3.png: " in capsys.readouterr().out


def test_photos_too_small_for_a_collage_are_said_so(tmp_path, capsys):
    folders.save(Image.new("RGB", (12, 12)), tmp_path / "photos" / "a.png")

    assert evaluate(tmp_path / "photos", tmp_path / "out") == 2

    assert "No photo is large enough" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--compare-with", "other"], ["--background", "."], ["--pages", "-1"]], ids=" ".join
)
def test_words_that_make_no_sense_are_refused(tmp_path, words):
    with pytest.raises(SystemExit) as exit_:
        evaluate(tmp_path, tmp_path / "out", *words)

    assert exit_.value.code == 2
