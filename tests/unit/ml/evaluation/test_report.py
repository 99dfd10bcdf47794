import json

import pytest

from ml.errors import OutputUnwritable
from ml.evaluation.report import FailureSheet, PrimaryMetric, write


class Coins:
    """A report of two coins, with the sheets that it is given."""

    primary_metric = PrimaryMetric("share_of_heads", 0.5)

    def __init__(self, *sheets):
        self._sheets = sheets

    def table(self):
        return "heads  tails\n"

    def markdown(self):
        return "# Coins\n"

    def to_json(self):
        return {"protocol": "coins", "name": "Рубль"}

    def sheets(self):
        return self._sheets


def drawn(path):
    path.write_bytes(b"a picture")
    return True


def nothing(_):
    return False


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_report_and_its_sheets_are_written(tmp_path):
    write(
        Coins(
            FailureSheet("a.png", "A", "First", drawn),
            FailureSheet("b.png", "B", "Second", nothing),
        ),
        tmp_path / "out",
    )

    assert names(tmp_path / "out") == ["a.png", "report.json", "report.md"]
    assert (tmp_path / "out" / "report.md").read_text() == "# Coins\n\n## A\n\n![First](a.png)\n"
    text = (tmp_path / "out" / "report.json").read_text(encoding="utf-8")
    assert "Рубль" in text
    assert json.loads(text) == {
        "protocol": "coins",
        "name": "Рубль",
        "primary_metric": {"name": "share_of_heads", "value": 0.5, "greater_is_better": True},
    }


def test_an_older_sheet_does_not_stay_beside_a_newer_report(tmp_path):
    write(Coins(FailureSheet("a.png", "A", "First", drawn)), tmp_path)
    (tmp_path / "mine.txt").write_text("stays")

    write(Coins(FailureSheet("a.png", "A", "First", nothing)), tmp_path)

    assert names(tmp_path) == ["mine.txt", "report.json", "report.md"]
    assert (tmp_path / "report.md").read_text() == "# Coins\n"


def test_where_a_sheet_cannot_be_drawn_nothing_is_written(tmp_path):
    def full(path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    write(Coins(), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(OutputUnwritable, match="No space left"):
        write(Coins(FailureSheet("a.png", "A", "First", full)), tmp_path)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
