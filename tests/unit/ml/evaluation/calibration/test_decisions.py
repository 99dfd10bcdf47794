"""What people decided is counted beside labelled pictures."""

import json

import pytest

from ml.errors import EvaluationDataInvalid
from ml.evaluation.calibration import decisions, fitting
from tests import fakes
from tests.fakes import GridEncoder
from tests.unit.ml.evaluation import folders
from tests.unit.ml.evaluation.calibration.test_command import calibrate


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def decided(tmp_path):
    """Two pairs that count, one that is called both, one whose picture is gone."""
    for name, colour in (("red", (220, 30, 30)), ("dark", (150, 20, 20)), ("sea", (40, 60, 220))):
        folders.save(folders.subject(colour), tmp_path / "decided" / f"{name}.png")
    return write(
        tmp_path / "decisions.jsonl",
        {"a": "decided/red.png", "b": "decided/dark.png", "verdict": "copy", "score": 0.5},
        {"a": "decided/dark.png", "b": "decided/red.png", "verdict": "same_subject"},
        {"a": "decided/red.png", "b": "decided/sea.png", "verdict": "different"},
        {"a": "decided/dark.png", "b": "decided/sea.png", "verdict": "different"},
        {"a": "decided/sea.png", "b": "decided/dark.png", "verdict": "copy"},
        {"a": "decided/gone.png", "b": "decided/red.png", "verdict": "different"},
    )


def test_pairs_that_are_called_both_are_counted_and_left_out(decided):
    listed = decisions.read(decided)

    named = {(first.name, second.name): same for (first, second), same in listed.pairs.items()}
    assert named == {
        ("dark.png", "red.png"): True,
        ("red.png", "sea.png"): False,
        ("gone.png", "red.png"): False,
    }
    assert listed.conflicting == 1


def test_scores_are_those_of_the_encoder(decided):
    pairs = decisions.embed_decided(decisions.read(decided), GridEncoder(), batch_size=2)

    red, dark, sea = (
        fakes.embed(folders.subject(c)) for c in ((220, 30, 30), (150, 20, 20), (40, 60, 220))
    )
    assert sorted(zip(pairs.scores.tolist(), pairs.is_same.tolist(), strict=True)) == [
        (pytest.approx(float(red @ sea), abs=1e-6), False),
        (pytest.approx(float(red @ dark), abs=1e-6), True),
    ]
    assert pairs.remarks[:3] == (
        "Decisions: 2 pairs used.",
        "Left out: 1 pairs called the same and different.",
        "Left out: 1 pairs with a picture that cannot be read.",
    )


@pytest.mark.parametrize("weight", [1, 40])
def test_decisions_are_counted_beside_the_data(tmp_path, capsys, decided, weight):
    data = folders.media(tmp_path / "data", count=4)
    words = ("--decisions", str(decided), "--decision-weight", str(weight))

    assert calibrate(data, tmp_path / "plain.json") == 0
    assert calibrate(data, tmp_path / "decided.json", *words) == 0

    plain, made = (
        fitting.load(tmp_path / f"{name}.json", fakes.SPEC) for name in ("plain", "decided")
    )
    assert made.origin.pairs == plain.origin.pairs + 2 * weight
    assert made.origin.positive_pairs == plain.origin.positive_pairs + weight
    assert (plain.origin.decided_pairs, made.origin.decided_pairs) == (0, 2)
    assert made.origin.data_sha256 != plain.origin.data_sha256
    assert "Decisions: 2 pairs used." in capsys.readouterr().out


@pytest.mark.parametrize(
    "line",
    ['{"a": "1"', "[]", '{"a": "1", "b": "2"}', '{"a": "1", "b": 2, "verdict": "copy"}',
     '{"a": "1", "b": "2", "verdict": "same"}', '{"a": "", "b": "2", "verdict": "copy"}',
     '{"a": ["x"], "b": "2", "verdict": []}'],
)  # fmt: skip
def test_a_line_that_is_no_decision_is_named(tmp_path, line):
    path = tmp_path / "d.jsonl"
    path.write_text("\n" + line)

    with pytest.raises(EvaluationDataInvalid, match=r"Line 2 of d\.jsonl is no decision"):
        decisions.read(path)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path, capsys):
    data = folders.media(tmp_path / "data", count=4)

    status = calibrate(data, tmp_path / "c.json", "--decisions", str(tmp_path / "no.jsonl"))

    assert status == 2
    assert "no.jsonl cannot be read" in capsys.readouterr().err
