import json

import numpy as np
import pytest
from PIL import Image

from ml.evaluation.panels.truth import read_panel_truth
from ml.training import made_comics
from tests.unit.ml.panels import pictures


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(3):
        Image.fromarray(pictures.photo(seed, 120, 90)).save(folder / f"{seed}.png")
    return folder


def test_pages_are_written_with_a_truth_that_the_protocol_reads(photos, tmp_path):
    output = tmp_path / "made"

    status = made_comics.main(
        ["--photos", str(photos), "--output", str(output), "--pages", "6", "--seed", "3"]
    )

    assert status == 0
    truths = read_panel_truth(output)
    assert [truth.kind for truth in truths] == [
        "framed",
        "slanted",
        "bleeding",
        "frameless",
        "manga",
        "strip",
    ]
    for truth in truths:
        assert Image.open(truth.path).mode == "RGB"
        assert len(truth.outlines) == len(truth.panels) >= 2


def test_the_same_seed_writes_the_same_files(photos, tmp_path):
    paths = sorted(photos.iterdir())
    for name in ("one", "other"):
        made_comics.write_comics(paths, tmp_path / name, pages=2, seed=4)

    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes()


def test_line_drawings_are_dark_on_white(photos):
    picture = made_comics.pictures_of(sorted(photos.iterdir()), np.random.default_rng(1))

    for _ in range(8):
        drawn = picture("lines")
        assert np.median(drawn) == 255
        assert (drawn == drawn[..., :1]).all()


def test_a_missing_folder_is_one_sentence(tmp_path, capsys):
    status = made_comics.main(["--photos", str(tmp_path / "absent"), "--output", str(tmp_path)])

    assert status == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "truth.json").exists()


def test_the_truth_names_polygons(photos, tmp_path):
    made_comics.write_comics(sorted(photos.iterdir()), tmp_path / "made", pages=1, seed=1)

    (entry,) = json.loads((tmp_path / "made" / "truth.json").read_text()).values()

    assert entry["comic"] == "framed"
    assert all(len(polygon) == 4 for polygon in entry["polygons"])
