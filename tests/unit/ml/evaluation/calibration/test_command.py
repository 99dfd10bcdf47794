import json

import numpy as np
import pytest

from ml.errors import UnknownEncoder
from ml.evaluation.calibration import fitting
from ml.evaluation.calibration.command import default_output, labelled_pairs, main
from tests import fakes
from tests.fakes import GridEncoder
from tests.unit.ml.evaluation import folders


def load(choice, *, device, batch_size):
    if choice != "grid":
        raise UnknownEncoder(f"There is no encoder {choice!r}.")
    return GridEncoder()


def calibrate(data, output, *words, encoder="grid"):
    return main(
        ["--encoder", encoder, "--data", str(data), "--output", str(output), *words], load=load
    )


def test_every_pair_is_judged_once(rng):
    embeddings = rng.normal(size=(5, 3)).astype(np.float32)
    subjects = ["a", "b", "a", "c", "b"]

    scores, is_same, first = labelled_pairs(embeddings, subjects)

    expected = [(i, j) for i in range(5) for j in range(i + 1, 5)]
    assert scores == pytest.approx([embeddings[i] @ embeddings[j] for i, j in expected])
    assert is_same.tolist() == [subjects[i] == subjects[j] for i, j in expected]
    assert first.tolist() == [i for i, _ in expected]


@pytest.mark.parametrize("is_flat", [False, True], ids=["medium/subject", "subject"])
def test_the_file_says_what_a_score_means_and_where_it_is_from(tmp_path, capsys, is_flat):
    data = folders.media(tmp_path / "data", count=4)
    output = tmp_path / "out" / "mine.json"

    status = calibrate(data / "photo" if is_flat else data, output)

    made = fitting.load(output, fakes.SPEC)
    pictures = 12 if is_flat else 24
    assert status == 0
    assert made.origin.pictures == pictures
    assert made.origin.pairs == pictures * (pictures - 1) // 2
    assert made.origin.positive_pairs == 3 * (pictures // 3) * (pictures // 3 - 1) // 2
    assert made.probability(np.array([0.999]))[0] > made.probability(np.array([-0.5]))[0]
    assert [path.name for path in output.parent.iterdir()] == ["mine.json"]
    printed = capsys.readouterr().out
    assert f"{made.origin.pairs} pairs of {pictures} pictures" in printed
    assert "Precision 95.0%: score ≥" in printed


def test_asked_precisions_are_kept_even_where_none_reaches_them(tmp_path, capsys):
    # given: subjects that look all alike, so that no threshold is any good
    for name in "abcdef":
        for number in range(2):
            image = folders.subject((90, 90, 90 + number))
            folders.save(image, tmp_path / "data" / name / f"{number}.png")

    assert calibrate(tmp_path / "data", tmp_path / "c.json", "--precision", "0.8", "1") == 0

    points = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))["thresholds"]
    assert [point["asked_precision"] for point in points] == [0.8, 1.0]
    assert [point["threshold"] for point in points] == [None, None]
    assert "Precision 80.0%: no threshold reaches it" in capsys.readouterr().out


def test_a_damaged_picture_is_named(tmp_path, capsys):
    data = folders.media(tmp_path / "data", count=4)
    (data / "photo" / "sea" / "0.png").write_bytes(b"")

    assert calibrate(data, tmp_path / "c.json") == 0

    assert "Left out: photo/sea/0.png" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("data", "encoder", "message"),
    [
        ("absent", "grid", "There is no folder"),
        ("single", "grid", "same and of different subjects"),
        ("data", "other", "There is no encoder"),
    ],
    ids=["no data", "one picture a subject", "encoder"],
)
def test_what_goes_wrong_is_one_sentence_and_writes_nothing(
    tmp_path, capsys, data, encoder, message
):
    folders.media(tmp_path / "data")
    for number in range(8):
        image = folders.subject((30 * number, 90, 10))
        folders.save(image, tmp_path / "single" / f"{number}" / "1.png")

    assert calibrate(tmp_path / data, tmp_path / "out" / "c.json", encoder=encoder) == 2

    captured = capsys.readouterr()
    assert message in captured.err
    assert (captured.err.count("\n"), captured.out) == (1, "")
    assert not (tmp_path / "out").exists()


def test_a_folder_in_the_files_place_is_refused_before_any_work(tmp_path, capsys):
    assert calibrate(tmp_path / "absent", tmp_path) == 2
    assert "is a folder, not a file." in capsys.readouterr().err


def test_the_default_file_lies_beside_a_checkpoints_weights(tmp_path):
    (tmp_path / "encoder.json").write_text("{}", encoding="utf-8")

    assert default_output(str(tmp_path)) == tmp_path / "calibration.json"
    assert default_output("clip").as_posix() == "calibration.json"
