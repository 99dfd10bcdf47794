import json
from itertools import count

import cv2
import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from ml.panels.classification.trees import load_trees
from ml.panels.learning.__main__ import main
from ml.panels.learning.collages import MIN_PANEL_PX, STYLES, make_collage
from ml.panels.learning.fitting import fit
from ml.panels.learning.pages import make_page
from tests.unit.ml.panels import pictures


def photos():
    numbers = count()
    return lambda: pictures.photo(next(numbers))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", range(3))
def test_panels_of_a_made_collage_lie_inside_and_apart(style, seed):
    made = make_collage(style, photos(), np.random.default_rng(seed))

    painted = np.zeros(made.pixels.shape[:2], int)
    for box in made.panels:
        assert 0 <= box.x0 < box.x1 <= painted.shape[1]
        assert 0 <= box.y0 < box.y1 <= painted.shape[0]
        painted[box.y0 : box.y1, box.x0 : box.x1] += 1
    assert len(made.panels) >= 1
    assert painted.max() == 1


@pytest.mark.parametrize("seed", range(4))
def test_photos_of_a_made_page_are_large_enough_and_inside(seed):
    made = make_page(photos(), np.random.default_rng(seed))

    height, width = made.pixels.shape[:2]
    for box in made.panels:
        assert min(box.width, box.height) >= MIN_PANEL_PX
        assert 0 <= box.x0 < box.x1 <= width
        assert 0 <= box.y0 < box.y1 <= height


@pytest.mark.parametrize("kind", [*STYLES, "page"])
def test_each_panel_says_which_photo_it_shows(kind):
    colours = np.random.default_rng(1).integers(0, 256, (400, 3), dtype=np.uint8)
    panels = 0
    for seed in range(4):
        rng, asked = np.random.default_rng(seed), iter(colours)

        def photo(asked=asked):
            return np.broadcast_to(next(asked), (60, 80, 3)).copy()

        made = make_page(photo, rng) if kind == "page" else make_collage(kind, photo, rng)

        for box, number in zip(made.panels, made.shown, strict=True):
            shown = np.median(made.pixels[box.y0 : box.y1, box.x0 : box.x1], axis=(0, 1))
            assert np.abs(shown - colours[number]).max() <= 12  # of JPEG
        panels += len(made.panels)
    assert panels >= 4


def test_a_photo_that_is_cut_to_a_panel_shows_that_share():
    photo = np.zeros((100, 200, 3), np.uint8)

    made = make_collage("grid", lambda: photo, np.random.default_rng(3))

    for box, share in zip(made.panels, made.shares, strict=True):
        aspect = box.width / box.height
        assert share == pytest.approx(min(aspect / 2, 2 / aspect), abs=0.02)


def test_a_made_page_may_be_without_photos():
    assert make_page(photos(), np.random.default_rng(0), has_photos=False).panels == ()


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
