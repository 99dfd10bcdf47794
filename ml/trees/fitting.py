"""Boosted trees from examples."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier

from ml.trees.boosted import Trees


def fit(
    features: Sequence[NDArray[np.float32]],
    answers: Sequence[bool],
    names: Sequence[str],
    *,
    trees: int,
    seed: int,
    depth: int,
    learning_rate: float,
    subsample_share: float,
    min_leaf_examples: int,
    weights: Sequence[float] | None = None,
) -> Trees:
    """Return the trees that answer as the examples do.

    Source: gradient boosting with subsampling, Friedman, "Stochastic gradient boosting", CSDA 2002.

    Args:
        features: N times (F,) float32, finite.
        answers: N, both kinds among them.
        names: F names.
        trees: how many.
        seed: of the subsamples.
        depth: questions in a row.
        learning_rate: of each tree's answer, how much counts.
        subsample_share: of the examples, a tree.
        min_leaf_examples: of a leaf.
        weights: N, how much each example counts; None is all the same.
    """
    model = GradientBoostingClassifier(
        n_estimators=trees,
        max_depth=depth,
        learning_rate=learning_rate,
        subsample=subsample_share,
        min_samples_leaf=min_leaf_examples,
        random_state=seed,
    ).fit(np.stack(features), np.array(answers), sample_weight=weights)
    share = float(np.average(answers, weights=weights))
    heaps = [_heap(each[0].tree_, depth) for each in model.estimators_]
    return Trees(
        names=tuple(names),
        bias=float(np.log(share / (1 - share))),
        feature=np.stack([feature for feature, _, _ in heaps]),
        threshold=np.stack([threshold for _, threshold, _ in heaps]),
        value=np.stack([value for _, _, value in heaps]) * np.float32(learning_rate),
    )


def _heap(
    tree: Any, depth: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Return a scikit-learn tree as a full one; a leaf higher up is all the leaves below it."""
    inner = 2**depth - 1
    feature = np.zeros(inner, np.int64)
    threshold = np.zeros(inner, np.float32)
    value = np.zeros(inner + 1, np.float32)
    left = [(0, 0)]
    while left:
        node, index = left.pop()
        if index >= inner:
            value[index - inner] = tree.value[node][0, 0]
            continue
        is_leaf = tree.children_left[node] < 0
        if not is_leaf:
            feature[index], threshold[index] = tree.feature[node], tree.threshold[node]
        left.append((node if is_leaf else tree.children_left[node], 2 * index + 1))
        left.append((node if is_leaf else tree.children_right[node], 2 * index + 2))
    return feature, threshold, value
