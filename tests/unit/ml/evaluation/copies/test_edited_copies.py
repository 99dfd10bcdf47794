import json
import re

import numpy as np
import pytest
from PIL import Image

from ml.copies.comparison import CopyVerdict
from ml.evaluation.command import main
from ml.evaluation.copies.measure import measure
from ml.evaluation.copies.plan import copies
from tests.unit.ml.copies.scenes import cut, jpeg, pasted, scene
from tests.unit.ml.evaluation import folders

PLAIN = np.full((240, 320, 3), 120, np.uint8)
EDITS = {
    "jpeg30": lambda picture: jpeg(picture, 30),
    "crop30": lambda picture: cut(picture, 70, 50, 245, 182),
    "gone": lambda _: PLAIN,  # nothing of the original is left
}


def save(picture, path):
    folders.save(Image.fromarray(picture), path)


def given_copies(folder):
    """Two scenes, each as it is and edited."""
    rows = []
    for seed in (1, 2):
        for edit, make in {"orig": np.array, **EDITS}.items():
            save(make(scene(seed)), folder / "images" / f"{seed}_{edit}.png")
            rows.append(f"images/{seed}_{edit}.png,{seed},{edit}")
    return folders.labels(folder, "path,group,edit", rows)


def evaluate(data, output, *words):
    given = ["--protocol", "edited-copies", "--data", str(data), "--output", str(output)]
    return main([*given, *words])


def read(output):
    return json.loads((output / "report.json").read_text(encoding="utf-8"))


def test_each_edit_is_counted_on_its_rung(tmp_path, capsys):
    data, output = given_copies(tmp_path / "data"), tmp_path / "out"

    assert evaluate(data, output) == 0

    report = read(output)
    counts = {
        row["edit"]: (row["copies"], row["near_identical"], row["edited_copy"])
        for row in report["edits"]
    }
    assert counts == {
        "any edit": (6, 2, 2),
        "jpeg30": (2, 2, 0),
        "crop30": (2, 0, 2),
        "gone": (2, 0, 0),
    }
    assert [pair["query"] for pair in report["missed"]] == [
        "images/1_gone.png",
        "images/2_gone.png",
    ]
    assert report["primary_metric"]["value"] == pytest.approx(4 / 6)
    # Each of six copies beside the other original.
    assert (report["different_pairs"], report["false_verdicts"]) == (6, 0)
    assert report["false_share_upper_bound"] == pytest.approx(1 - 0.05 ** (1 / 6))
    printed = capsys.readouterr().out
    assert re.search(r"^crop30 +2 +0\.000 +1\.000 +1\.000 +0\.224$", printed, re.MULTILINE)
    assert "0 false verdicts in 6 pairs of different pictures" in printed
    markdown = (output / "report.md").read_text(encoding="utf-8")
    assert "| crop30 | 2 | 0.000 | 1.000 | 1.000 | 0.224 |" in markdown
    assert "![Failures](failures.png)" in markdown


def test_a_false_verdict_is_named_and_drawn_first(tmp_path, capsys):
    data, others = given_copies(tmp_path / "data"), tmp_path / "others"
    save(pasted(PLAIN[:9, :9], scene(1), 0, 0), others / "nearly.png")

    assert evaluate(data, tmp_path / "out", "--distractors", str(others)) == 0

    report = read(tmp_path / "out")
    false = {(pair["query"], pair["candidate"]) for pair in report["false"]}
    assert false == {
        ("images/1_jpeg30.png", "distractor: nearly.png"),
        ("images/1_crop30.png", "distractor: nearly.png"),
    }
    assert "edited copy: images/1_crop30.png · distractor: nearly.png" in capsys.readouterr().out
    with Image.open(tmp_path / "out" / "failures.png") as sheet:
        queries = [(94, 110), (376 + 94, 110), (2 * 376 + 94, 110), (94, 229 + 110)]
        is_plain = [sheet.getpixel(point) == (120, 120, 120) for point in queries]
    # Two false pairs, then two missed ones, whose queries are plain.
    assert is_plain == [False, False, True, True]


def test_distractors_that_are_an_originals_file_are_left_out(tmp_path):
    data, others = given_copies(tmp_path / "data"), tmp_path / "others"
    save(np.array(scene(1)), others / "same.png")

    assert evaluate(data, tmp_path / "out", "--distractors", str(others)) == 0

    assert read(tmp_path / "out")["different_pairs"] == 6


def test_pairs_are_limited_and_drawn_by_the_seed(tmp_path):
    data = given_copies(tmp_path / "data")
    plan = copies(data, rng=np.random.default_rng(0))

    first, second = (
        measure(plan, max_pairs=5, rng=np.random.default_rng(3), clock=lambda: 0.0)
        for _ in range(2)
    )

    assert first == second
    assert len(first.others) <= 5
    assert {pair.ms for pair in first.copies} == {0.0}


def test_copies_are_made_of_any_folder_with_the_usual_edits(tmp_path):
    for seed in (1, 2):
        save(np.array(scene(seed)), tmp_path / "data" / f"{seed}.png")

    assert evaluate(tmp_path / "data", tmp_path / "out") == 0

    report = read(tmp_path / "out")
    shares = {row["edit"]: row["share"] for row in report["edits"]}
    assert shares == dict.fromkeys(
        [
            *("any edit", "crop30", "rotate15", "mirror100", "text16", "colour40"),
            *("blur2", "jpeg30", "padding50", "inside25"),
        ],
        1.0,
    )
    assert report["false"] == []


def test_unreadable_pictures_are_reported(tmp_path, capsys):
    data = given_copies(tmp_path / "data")
    (data / "images" / "1_crop30.png").write_bytes(b"no picture")

    assert evaluate(data, tmp_path / "out") == 0

    (left_out,) = read(tmp_path / "out")["unreadable"]
    assert left_out["name"] == "images/1_crop30.png"
    assert "left out: images/1_crop30.png: The file is not a picture" in capsys.readouterr().out


def test_where_nothing_can_be_read_it_is_said_in_a_sentence(tmp_path, capsys):
    data = given_copies(tmp_path / "data")
    for path in (data / "images").glob("*_orig.png"):
        path.write_bytes(b"no picture")

    assert evaluate(data, tmp_path / "out") == 2

    assert "No copy and its original can be read." in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words",
    [["--encoder", "grid"], ["--compare-with", "grid"], ["--background", "."], ["--pairs", "0"]],
    ids=" ".join,
)
def test_words_that_make_no_sense_are_refused(tmp_path, words):
    with pytest.raises(SystemExit) as exit_:
        evaluate(tmp_path, tmp_path / "out", *words)

    assert exit_.value.code == 2


def test_the_other_protocols_need_an_encoder(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--protocol", "copies", "--data", str(tmp_path)])

    assert "--protocol copies needs --encoder" in capsys.readouterr().err


def test_what_was_said_is_kept_with_its_evidence(tmp_path):
    plan = copies(given_copies(tmp_path / "data"), rng=np.random.default_rng(0))

    outcome = measure(plan, max_pairs=100, rng=np.random.default_rng(0))

    found = {pair.edit: pair for pair in outcome.copies if plan.images[pair.query].subject == "1"}
    assert found["jpeg30"].verdict is CopyVerdict.NEAR_IDENTICAL
    assert found["jpeg30"].bits <= 31
    assert (found["crop30"].verdict, found["gone"].bits) == (CopyVerdict.EDITED_COPY, None)
    assert found["crop30"].inliers >= 20
