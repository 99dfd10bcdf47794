import json

import cv2

from ml.panels.learning.__main__ import main
from ml.trees.boosted import load_trees
from tests.unit.ml.panels import pictures


def test_the_command_writes_the_same_classifiers_for_the_same_seed(tmp_path, capsys):
    for number in range(3):
        photo = pictures.photo(number)
        (tmp_path / "photos").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "photos" / f"{number}.jpg"), photo[..., ::-1])

    outputs = [tmp_path / name for name in ("first.json", "second.json")]
    for output in outputs:
        words = ["--photos", str(tmp_path / "photos"), "--output", str(output)]
        assert main([*words, "--pictures", "20", "--trees", "2"]) == 0

    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    assert set(load_trees(outputs[0])) == {"cut", "panel"}
    assert json.loads(outputs[0].read_text())["pictures"] == 20
    assert "cut: " in capsys.readouterr().out


def test_a_folder_without_photos_is_one_sentence(tmp_path, capsys):
    status = main(["--photos", str(tmp_path / "none"), "--output", str(tmp_path / "judges.json")])

    assert status == 2
    assert "There is no folder" in capsys.readouterr().err
