import numpy as np
import pytest

from ml.evaluation.retrieval.ranking import rank


def test_queries_ranked_a_few_at_a_time_rank_as_all_together(rng):
    scores = rng.integers(20, size=(9, 31)) / 20
    positives = rng.random((9, 31)) < 0.2
    ignored = rng.random((9, 31)) < 0.1

    few = rank(scores, positives, ignored, max_pairs_at_once=70)  # two queries, the last alone
    all_ = rank(scores, positives, ignored)

    assert np.array_equal(few.queries.first_rank, all_.queries.first_rank)
    assert np.array_equal(
        few.queries.average_precision, all_.queries.average_precision, equal_nan=True
    )


@pytest.mark.parametrize(
    ("scores", "positives"),
    [
        (np.zeros((0, 3)), np.zeros((0, 3), dtype=bool)),
        (np.zeros((3, 0)), np.zeros((3, 0), dtype=bool)),
        (np.zeros(3), np.zeros(3, dtype=bool)),
        (np.zeros((2, 3)), np.zeros((3, 2), dtype=bool)),
        (np.full((1, 1), np.nan), np.ones((1, 1), dtype=bool)),
        (np.full((1, 1), np.inf), np.ones((1, 1), dtype=bool)),
    ],
    ids=["no queries", "no gallery", "one axis", "other shape", "nan", "infinity"],
)
def test_what_is_no_score_matrix_is_refused(scores, positives):
    with pytest.raises(ValueError, match="scores"):
        rank(scores, positives)
