from typing import get_args

import numpy as np
import pytest
import torch

from ml.training.config import Mining
from ml.training.mining import mine

MARGIN = 0.3
METHODS = get_args(Mining)


def unit_rows(rng: np.random.Generator, count: int, dim: int = 3) -> torch.Tensor:
    rows = rng.standard_normal((count, dim))
    return torch.from_numpy(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def naive(method, embeddings, labels, media, alike=frozenset()):
    """The same triplets by loops over rows, as the method's sentence says it."""
    rows = range(len(labels))
    distance = [[1 - float(a @ b) for b in embeddings] for a in embeddings]
    found = []
    for a in rows:
        positives = [p for p in rows if p != a and labels[p] == labels[a]]
        negatives = [n for n in rows if labels[n] != labels[a] and (a, n) not in alike]
        if method == "all":
            found += [(a, p, n) for p in positives for n in negatives]
            continue
        if method == "semi_hard":
            for p in positives:
                fitting = [n for n in negatives if 0 < distance[a][n] - distance[a][p] < MARGIN]
                if fitting:
                    found.append((a, p, min(fitting, key=lambda n: distance[a][n])))
            continue
        if method == "cross_medium":
            positives = [p for p in positives if media[p] != media[a]]
        if positives and negatives:
            hardest = max(positives, key=lambda p: distance[a][p])
            found.append((a, hardest, min(negatives, key=lambda n: distance[a][n])))
    return found


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("labels", "media"),
    [
        pytest.param([0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1], id="pairs"),
        pytest.param([0, 0, 0, 1, 1, 2, 0], [0, 0, 1, 2, 2, 0, 1], id="uneven"),
        pytest.param([3, 1, 4, 1, 5, 9, 2, 6, 5, 3], [0] * 10, id="one medium"),
        pytest.param([7, 7, 7], [0, 1, 2], id="one subject"),
        pytest.param([1, 2, 3], [0, 0, 0], id="no pair"),
    ],
)
def test_the_triplets_are_those_of_a_plain_search(method, labels, media, rng):
    embeddings = unit_rows(rng, len(labels))

    triplets = mine(method, embeddings, torch.tensor(labels), torch.tensor(media), margin=MARGIN)

    expected = naive(method, embeddings, labels, media)
    assert triplets.dtype == torch.int64
    assert triplets.tolist() == [list(triplet) for triplet in expected]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("share", [0.3, 0.8, 1.0])
def test_alike_rows_are_no_negatives(method, share, rng):
    labels, media = [0, 0, 1, 1, 2, 2, 3, 3, 3], [0, 1, 0, 1, 0, 0, 1, 2, 1]
    embeddings = unit_rows(rng, len(labels))
    matrix = rng.random((len(labels), len(labels))) < share
    alike = {(int(a), int(n)) for a, n in np.argwhere(matrix)}

    triplets = mine(
        method,
        embeddings,
        torch.tensor(labels),
        torch.tensor(media),
        margin=MARGIN,
        alike=torch.from_numpy(matrix),
    )

    expected = naive(method, embeddings, labels, media, alike)
    assert triplets.tolist() == [list(triplet) for triplet in expected]


def test_among_equals_the_lowest_row_is_taken():
    # given: rows 1 and 2 are equal positives of row 0, rows 3 and 4 equal negatives
    embeddings = torch.tensor(
        [[1.0, 0.0], [0.6, 0.8], [0.6, 0.8], [0.8, 0.6], [0.8, 0.6]], dtype=torch.float64
    )

    triplets = mine(
        "hard", embeddings, torch.tensor([0, 0, 0, 1, 2]), torch.zeros(5), margin=MARGIN
    )

    assert triplets[0].tolist() == [0, 1, 3]


def test_rows_that_do_not_fit_each_other_are_refused(rng):
    with pytest.raises(ValueError, match="3 embeddings, 2 labels"):
        mine("all", unit_rows(rng, 3), torch.zeros(2), torch.zeros(3), margin=MARGIN)
