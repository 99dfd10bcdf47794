"""How it is measured that media are told right."""

import json

import pytest
from PIL import Image

from ml.__main__ import main
from ml.evaluation.media.measure import SaidMedium, right_media
from ml.evaluation.media.report import MediaReport
from ml.rules.media import Medium

NONE = frozenset[Medium]()


def picture(kind: str, said: Medium) -> SaidMedium:
    return SaidMedium(kind, right_media(kind), said)


@pytest.mark.parametrize(
    ("kind", "said", "is_right"),
    [
        ("photo", Medium.PHOTO, True),
        ("photo", Medium.PAINTING, False),
        ("photo", Medium.UNKNOWN, False),
        ("art_painting", Medium.PAINTING, True),
        ("sketch", Medium.DRAWING, True),
        ("fluent_hc", Medium.SKETCH, True),
        ("fluent_3d", Medium.CARTOON, False),
        ("photo", Medium.DRAWING, False),
        ("something", Medium.PHOTO, False),
        ("unknown", Medium.UNKNOWN, False),
    ],
)
def test_what_is_right(kind, said, is_right) -> None:
    assert picture(kind, said).is_right is is_right


def test_precision_is_of_what_is_said_alone() -> None:
    said = [("photo", Medium.PHOTO)] * 3 + [("sketch", Medium.PHOTO), ("sketch", Medium.UNKNOWN)]
    report = MediaReport("here", [picture(*each) for each in said], unread=0)
    assert report.primary_metric.value == 0.75
    recalls = {each["kind"]: each["recall"] for each in report.to_json()["kinds"]}
    assert recalls == {"photo": 1.0, "sketch": 0.0}


def test_of_nothing_said_there_is_no_precision() -> None:
    report = MediaReport("here", [picture("photo", Medium.UNKNOWN)], unread=0)
    assert report.primary_metric.value is None


def test_the_command_writes_its_report(tmp_path) -> None:
    for medium in ("photo", "sketch"):
        folder = tmp_path / "data" / medium / "cat"
        folder.mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (50, 50)).save(folder / f"{number}.png")
    (tmp_path / "data/photo/cat/2.png").write_bytes(b"no picture")
    output = tmp_path / "report"
    words = ["--protocol", "media", "--data", str(tmp_path / "data"), "--output", str(output)]
    assert main(["evaluate", *words]) == 0
    report = json.loads((output / "report.json").read_text())
    assert (report["protocol"], report["unread"]) == ("media", 1)
    assert [each["count"] for each in report["kinds"]] == [2, 2]
