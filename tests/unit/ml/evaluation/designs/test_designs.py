import json

import pytest
from PIL import Image

from ml.copies.comparison import CopyVerdict
from ml.errors import EvaluationDataInvalid
from ml.evaluation.command import main
from ml.evaluation.designs.measure import DesignPair, measure
from ml.evaluation.designs.report import DesignsReport
from tests.unit.ml.copies.scenes import scene

NEAR, EDITED, SHARED, NONE = CopyVerdict


def test_the_report_counts_copies_and_other_content_apart():
    pairs = [
        DesignPair("form", "compress", NEAR),
        DesignPair("form", "", SHARED),
        DesignPair("stamp", "crop", NONE),
        DesignPair("stamp", "", EDITED),
    ]
    report = DesignsReport(data="photos", seed=1, pairs=pairs)

    assert report.primary_metric.value == 0.5
    rows = {row["pairs"]: row["verdicts"] for row in report.to_json()["rows"]}
    assert rows["copies"] == {NEAR: 1, EDITED: 0, SHARED: 0, NONE: 1}
    assert rows["other content: stamp"] == {NEAR: 0, EDITED: 1, SHARED: 0, NONE: 0}
    assert "1 of 2 copies are named" in report.table()
    assert "1 of 2 pages with other content are called copies" in report.markdown()


def test_a_folder_without_photos_is_refused(tmp_path, rng):
    with pytest.raises(EvaluationDataInvalid):
        measure(tmp_path, limit=1, rng=rng)


def test_the_command_compares_so_many_designs(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(scene(1)).save(photos / "scene.png")
    output = tmp_path / "out"
    words = ["--protocol", "designs", "--data", str(photos), "--limit", "3"]

    assert main([*words, "--output", str(output)]) == 0

    rows = json.loads((output / "report.json").read_text())["rows"]
    counts = {row["pairs"]: row["count"] for row in rows}
    assert (counts["copies"], counts["other content"]) == (3, 3)
