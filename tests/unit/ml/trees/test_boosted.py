import json

import numpy as np
import pytest

from ml.trees.boosted import Trees, load_trees

TWO = Trees(
    names=("a", "b"),
    bias=-0.5,
    feature=np.array([[0, 1, 1], [1, 0, 0]]),
    threshold=np.array([[0.5, 0.2, 0.8], [0.1, 0.3, 0.6]], np.float32),
    value=np.array([[1, -1, 2, -2], [0.5, -0.5, 0.25, -0.25]], np.float32),
)


def by_hand(trees, row):
    """Return the log-odds, one question after the other."""
    total = trees.bias
    for tree in range(len(trees.feature)):
        node = 0
        for _ in range(2):
            is_right = row[trees.feature[tree][node]] > trees.threshold[tree][node]
            node = 2 * node + (2 if is_right else 1)
        total += trees.value[tree][node - 3]
    return total


def test_probabilities_are_those_of_asking_one_question_after_the_other():
    rows = np.random.default_rng(0).random((40, 2)).astype(np.float32)

    found = TWO.probability(rows)

    expected = [1 / (1 + np.exp(-by_hand(TWO, row))) for row in rows]
    assert found == pytest.approx(expected, abs=1e-6)
    assert TWO.probability(rows[:0]).shape == (0,)


def test_a_value_on_the_threshold_goes_left():
    row = np.array([[0.5, 0.1]], np.float32)

    assert TWO.probability(row)[0] == pytest.approx(1 / (1 + np.exp(-(-0.5 + 1 - 0.5))))


def test_trees_survive_their_file(tmp_path):
    path = tmp_path / "judges.json"
    path.write_text(json.dumps({"trees": {"cut": TWO.to_json()}}), encoding="utf-8")

    found = load_trees(path)["cut"]

    rows = np.random.default_rng(1).random((20, 2)).astype(np.float32)
    assert found.names == TWO.names
    assert (found.probability(rows) == TWO.probability(rows)).all()
