import json
import re

import pytest
from PIL import Image

from ml.errors import UnknownEncoder, WeightsUnavailable
from ml.evaluation.command import default_output, main
from tests import fakes
from tests.fakes import GridEncoder
from tests.unit.ml.evaluation import folders

FILES = {"failures.png", "precision_recall.png", "report.json", "report.md"}


def load(choice, *, device, batch_size):
    if not choice.startswith("grid"):
        raise UnknownEncoder(f"There is no encoder {choice!r}.")
    return GridEncoder()


def evaluate(data, output, *words, protocol="cross-medium", encoder="grid"):
    given = ["--encoder", encoder, "--protocol", protocol, "--data", str(data)]
    return main([*given, "--output", str(output), "--resamples", "20", *words], load=load)


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_the_table_and_the_files_say_the_same(tmp_path, capsys):
    data, output = folders.media(tmp_path / "data", count=3), tmp_path / "out" / "first"

    status = evaluate(data, output)

    printed = capsys.readouterr().out
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert status == 0
    assert names(output) <= FILES
    assert report["protocol"] == "cross-medium"
    assert report["systems"] == [
        {
            "label": "grid",
            "encoder": "grid",
            "weights": "none",
            "weights_sha256": "0" * 64,
            "preprocessing_sha256": fakes.PREPROCESS.sha256(),
            "dim": fakes.DIM,
            "is_normalised": False,
            "has_objects": False,
            "is_expanded": False,
        }
    ]
    (same,) = [each for each in report["trials"] if each["trial"] == "photo → photo"]
    assert same["queries"] == 9
    assert same["figures"]["recall_at_1"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert re.search(r"^photo → photo +9 +0 +9 +1\.000 \[1\.000, 1\.000\]", printed, re.MULTILINE)
    assert f"Written to {output}" in printed
    markdown = (output / "report.md").read_text(encoding="utf-8")
    assert "| photo → photo | 9 | 0 | 9 | 1.000 [1.000, 1.000] |" in markdown
    assert report["data_sha256"] in markdown
    assert "![Precision and recall](precision_recall.png)" in markdown


def test_the_same_seed_writes_the_same_report(tmp_path):
    data = folders.media(tmp_path / "data", count=1, bands={"photo": 6})

    for name in ("first", "second"):
        assert evaluate(data, tmp_path / name, "--seed", "7", protocol="copies") == 0

    first, second = ((tmp_path / name / "report.json").read_bytes() for name in ("first", "second"))
    assert first == second


def test_failures_are_named_and_drawn(tmp_path):
    data, others = folders.copies(tmp_path / "data", {"dark20": (0, 20)}), tmp_path / "others"
    folders.save(folders.subject((2, 6, 3)), data / "images" / "leaf_dark20.png")
    folders.save(folders.subject((0, 0, 0)), others / "black.png")

    evaluate(data, tmp_path / "out", "--distractors", str(others), protocol="copies")

    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    (failure,) = report["failures"]
    assert failure["query"] == "images/leaf_dark20.png"
    assert failure["first"] == "distractor: black.png"
    assert failure["best"] == "images/leaf_orig.png"
    # The three pictures stand side by side: the query, what came first, the best right one.
    with Image.open(tmp_path / "out" / "failures.png") as sheet:
        colours = [sheet.getpixel((10 + 178 * column + 84, 110)) for column in range(3)]
    assert colours == [(2, 6, 3), (0, 0, 0), folders.COLOURS["leaf"]]


def test_a_run_without_failures_leaves_no_older_sheet(tmp_path):
    data, output = folders.scenes(tmp_path / "data"), tmp_path / "out"
    output.mkdir()
    (output / "failures.png").write_bytes(b"of an older run")
    (output / "mine.txt").write_text("stays", encoding="utf-8")

    assert evaluate(data, output, protocol="background") == 0

    assert json.loads((output / "report.json").read_text(encoding="utf-8"))["failures"] == []
    assert names(output) == (FILES | {"mine.txt"}) - {"failures.png"}


def test_two_encoders_and_a_background_are_compared(tmp_path, capsys):
    data, others = folders.media(tmp_path / "data"), tmp_path / "others"
    folders.save(folders.subject((120, 10, 200)), others / "1.png")

    evaluate(data, tmp_path / "out", "--compare-with", "grid2", "--background", str(others))

    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    labels = ["grid", "grid, normalised", "grid2", "grid2, normalised"]
    assert [system["label"] for system in report["systems"]] == labels
    assert {each["system"] for each in report["comparisons"]} == set(labels[1:])
    assert "Difference to grid on the same queries" in capsys.readouterr().out
    first = next(each for each in report["trials"] if each["trial"] == "all media → all media")
    assert first["system"] == "grid"
    assert report["primary_metric"] == {
        "name": "mean_average_precision",
        "value": first["figures"]["mean_average_precision"]["value"],
        "greater_is_better": True,
    }


def test_distractors_are_claimed_by_the_protocols_that_search_them(tmp_path):
    data, others = folders.media(tmp_path / "data"), folders.media(tmp_path / "others")
    folders_of = {"cross-medium": data, "copies": data}
    folders_of["background"] = folders.scenes(tmp_path / "scenes")
    for protocol, folder in folders_of.items():
        evaluate(folder, tmp_path / protocol, "--distractors", str(others), protocol=protocol)

    reports = {
        protocol: json.loads((tmp_path / protocol / "report.json").read_text(encoding="utf-8"))
        for protocol in folders_of
    }
    assert {protocol: report["distractors"] for protocol, report in reports.items()} == {
        "cross-medium": str(others),
        "copies": str(others),
        "background": None,
    }


def test_expanded_queries_are_a_system_of_their_own(tmp_path):
    data = folders.media(tmp_path / "data")

    evaluate(data, tmp_path / "out", "--queries", "expanded", protocol="cross-medium")

    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    labels = [system["label"] for system in report["systems"]]
    assert labels == [labels[0], f"{labels[0]}, expanded"]


def test_queries_of_another_kind_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        evaluate(tmp_path, tmp_path / "out", "--queries", "all", protocol="cross-medium")

    assert "'all' is none of plain, expanded" in capsys.readouterr().err


def test_unreadable_pictures_and_unmeasured_trials_are_reported(tmp_path, capsys):
    data = folders.media(tmp_path / "data", count=1)
    (data / "sketch" / "sea" / "0.png").write_bytes(b"no picture")

    assert evaluate(data, tmp_path / "out") == 0

    printed = capsys.readouterr().out
    assert "1 of 6 pictures were left out:" in printed
    assert "sketch/sea/0.png: The file is not a picture" in printed
    assert "photo → photo: None of 3 queries has a positive." in printed
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["unreadable"][0]["name"] == "sketch/sea/0.png"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder": "other"}, "There is no encoder 'other'."),
        ({"data": "absent"}, "There is no folder"),
        ({"data": "empty"}, "There are no pictures in"),
        ({"protocol": "background"}, "has no labels.csv"),
        ({"output": "file"}, "is a file, not a folder."),
        ({"output": "file/below"}, "is a file, not a folder."),
    ],
    ids=["encoder", "no data", "empty data", "other shape", "output is a file", "below a file"],
)
def test_what_goes_wrong_is_one_sentence_and_writes_nothing(tmp_path, capsys, change, message):
    folders.media(tmp_path / "data")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("", encoding="utf-8")
    before = names(tmp_path)
    chosen = {"encoder": "grid", "data": "data", "protocol": "cross-medium", "output": "out"}
    chosen |= change

    status = evaluate(
        tmp_path / chosen["data"],
        tmp_path / chosen["output"],
        protocol=chosen["protocol"],
        encoder=chosen["encoder"],
    )

    captured = capsys.readouterr()
    assert status == 2
    assert message in captured.err
    assert (captured.err.count("\n"), captured.out) == (1, "")
    assert names(tmp_path) == before


def test_a_hub_that_is_missing_is_said(tmp_path, capsys):
    def missing(choice, *, device, batch_size):
        raise WeightsUnavailable(f"{choice} cannot be reached")

    data = folders.media(tmp_path / "data")
    words = ["--encoder", "clip", "--protocol", "cross-medium", "--data", str(data)]

    assert main([*words, "--output", str(tmp_path / "out")], load=missing) == 2
    assert capsys.readouterr().err == "clip cannot be reached\n"


@pytest.mark.parametrize(
    "words",
    [
        ["--limit", "0"],
        ["--batch-size", "x"],
        ["--seed", "-1"],
        ["--resamples", "0"],
        ["--compare-with", "grid"],
    ],
    ids=" ".join,
)
def test_words_that_make_no_sense_are_refused(tmp_path, words):
    with pytest.raises(SystemExit) as exit_:
        evaluate(tmp_path, tmp_path / "out", *words)

    assert exit_.value.code == 2


@pytest.mark.parametrize(
    ("encoder", "name"),
    [
        ("efficientnet_lite", "efficientnet_lite-copies"),
        ("runs/best/", "runs-best-copies"),
        ("../runs/best", "runs-best-copies"),
        ("clip:openai/clip-vit@main", "clip-openai-clip-vit@main-copies"),
    ],
    ids=str,
)
def test_the_default_folder_is_named_after_the_encoder(encoder, name):
    assert default_output(encoder, "copies").as_posix() == f"evaluation/{name}"


def test_objects_are_compared_with_whole_pictures_on_the_same_queries(tmp_path, capsys):
    data, output = folders.scenes(tmp_path / "data"), tmp_path / "out"
    given = ["--encoder", "grid", "--protocol", "background", "--data", str(data)]
    given += ["--detector", "mine.pt", "--output", str(output), "--resamples", "20"]

    def load_detector(choice, *, device, batch_size):
        assert choice == "mine.pt"
        return fakes.SquareDetector()

    assert main(given, load=load, load_detector=load_detector) == 0

    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert report["detector"] == {"name": "square", "weights": "none", "weights_sha256": "0" * 64}
    systems = [(system["label"], system["has_objects"]) for system in report["systems"]]
    assert systems == [("grid", False), ("grid, with objects", True)]
    compared = {(each["trial"], each["system"], each["against"]) for each in report["comparisons"]}
    assert ("any scene, whole → plain", "grid, with objects", "grid") in compared
    assert "less 0.15 where an object is in the pair." in capsys.readouterr().out
    markdown = (output / "report.md").read_text(encoding="utf-8")
    assert "- Objects: detector square, weights none" in markdown
    assert markdown.count("- grid: encoder grid") == 1
