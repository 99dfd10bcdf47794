import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from ml.trees.fitting import fit

FITTING = {"depth": 3, "learning_rate": 0.12, "subsample_share": 0.7, "min_leaf_examples": 8}


def test_fitted_trees_answer_as_scikit_learn_does():
    rng = np.random.default_rng(0)
    features = rng.random((400, 5)).astype(np.float32)
    answers = (features[:, 0] > 0.5) ^ (features[:, 3] > 0.4)

    found = fit(list(features), list(answers), "abcde", trees=12, seed=3, **FITTING)

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


def test_what_counts_more_decides():
    features, answers = [np.zeros(1, np.float32)] * 40, [True, False] * 20
    weights = [1.0, 3.0] * 20

    found = fit(features, answers, "a", trees=5, seed=0, weights=weights, **FITTING)

    assert found.probability(np.zeros((1, 1), np.float32)) == pytest.approx(0.25, abs=0.05)
