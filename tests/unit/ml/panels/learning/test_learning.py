import json

import cv2
import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from ml.panels.classification.trees import load_trees
from ml.panels.learning.__main__ import main
from ml.panels.learning.fitting import fit
from tests.unit.ml.panels import pictures


def test_fitted_trees_answer_as_scikit_learn_does():
    rng = np.random.default_rng(0)
    features = rng.random((400, 5)).astype(np.float32)
    answers = (features[:, 0] > 0.5) ^ (features[:, 3] > 0.4)

    found = fit(list(features), list(answers), "abcde", trees=12, seed=3)

    model = GradientBoostingClassifier(
        n_estimators=12,
        max_depth=3,
        learning_rate=0.12,
        subsample=0.7,
        min_samples_leaf=8,
        random_state=3,
    ).fit(features, answers)
    assert found.probability(features) == pytest.approx(
        model.predict_proba(features)[:, 1], abs=1e-5
    )


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
