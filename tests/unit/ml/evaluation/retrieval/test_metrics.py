import numpy as np
import pytest

from ml.errors import NoPositives
from ml.evaluation.retrieval.metrics import (
    ASKED_PRECISIONS,
    RECALL_AT,
    operating_point,
    summarise,
)
from ml.evaluation.retrieval.ranking import MAP_AT, rank


def naive_order(scores, positives, ignored):
    """Places of one query's gallery as it is read: best first, wrong ones first among equals."""
    kept = [index for index in range(len(scores)) if not ignored[index]]
    return sorted(kept, key=lambda index: (-scores[index], positives[index]))


def naive_query(scores, positives, ignored):
    """(first rank, AP, AP@k, R-precision) of one query, by counting; None without positives."""
    order = naive_order(scores, positives, ignored)
    ranks = [rank for rank, index in enumerate(order, start=1) if positives[index]]
    if not ranks:
        return None
    precisions = [count / rank for count, rank in enumerate(ranks, start=1)]
    early = [precision for precision, rank in zip(precisions, ranks, strict=True) if rank <= MAP_AT]
    return (
        ranks[0],
        sum(precisions) / len(ranks),
        sum(early) / min(len(ranks), MAP_AT),
        sum(rank <= len(ranks) for rank in ranks) / len(ranks),
    )


def naive_pairs(scores, positives, ignored):
    """(µAP, asked precision → recall) over all pairs, by counting above every threshold."""
    kept = ~ignored
    pairs = sorted(
        zip(scores[kept].tolist(), positives[kept].tolist(), strict=True),
        key=lambda pair: (-pair[0], pair[1]),
    )
    total = sum(is_right for _, is_right in pairs)
    found, precisions = 0, []
    for position, (_, is_right) in enumerate(pairs, start=1):
        found += is_right
        if is_right:
            precisions.append(found / position)
    recalls = {}
    for asked in ASKED_PRECISIONS:
        recalls[asked] = 0.0
        for threshold, _ in pairs:
            accepted = [is_right for score, is_right in pairs if score >= threshold]
            if sum(accepted) / len(accepted) >= asked:
                recalls[asked] = max(recalls[asked], sum(accepted) / total)
    return sum(precisions) / total, recalls


def trial(rng, *, levels, queries=9, gallery=31):
    scores = rng.integers(levels, size=(queries, gallery)) / levels
    positives = rng.random((queries, gallery)) < 0.2
    scores = scores + positives * rng.integers(3, size=positives.shape) / levels
    ignored = rng.random((queries, gallery)) < 0.1
    positives[2] = False
    return scores, positives, ignored


@pytest.mark.parametrize("levels", [3, 20, 10_000], ids="{}-levels".format)
def test_agrees_with_counting(rng, levels):
    scores, positives, ignored = trial(rng, levels=levels)

    found = summarise(rank(scores, positives, ignored))

    each = [naive_query(*row) for row in zip(scores, positives, ignored, strict=True)]
    known = np.array([figures for figures in each if figures is not None])
    micro, recalls = naive_pairs(scores, positives, ignored)
    assert found.queries == 9
    assert found.queries_without_positives == 9 - len(known)
    assert found.recall_at == {k: (known[:, 0] <= k).mean() for k in RECALL_AT}
    assert found.mean_average_precision == pytest.approx(known[:, 1].mean())
    assert found.mean_average_precision_at_k == pytest.approx(known[:, 2].mean())
    assert found.r_precision == pytest.approx(known[:, 3].mean())
    assert found.micro_average_precision == pytest.approx(micro)
    assert {point.asked_precision: point.recall for point in found.at_precision} == recalls
    assert found.pairs == (~ignored).sum()
    assert found.positive_pairs == (positives & ~ignored).sum()


def test_a_ranking_made_by_hand():
    # given: right answers at ranks 1 and 3 of the first query, at rank 2 of the second
    scores = np.array([[0.9, 0.8, 0.7, 0.1], [0.6, 0.5, 0.2, 0.0]])
    positives = np.array([[True, False, True, False], [False, True, False, False]])

    found = summarise(rank(scores, positives))

    assert found.recall_at == {1: 0.5, 5: 1.0, 10: 1.0}
    assert found.mean_average_precision == pytest.approx(((1 + 2 / 3) / 2 + 1 / 2) / 2)
    assert found.r_precision == pytest.approx((1 / 2 + 0) / 2)
    # all pairs: right .9, wrong .8, right .7, wrong .6, right .5
    assert found.micro_average_precision == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
    assert [point.recall for point in found.at_precision] == pytest.approx([1 / 3, 1 / 3])
    assert [point.threshold for point in found.at_precision] == [0.9, 0.9]


def test_constant_scores_earn_the_worst_ranking():
    # given: an encoder that maps everything to one point; 2 of 12 entries are right
    scores = np.full((5, 12), 0.7)
    positives = np.zeros((5, 12), dtype=bool)
    positives[:, :2] = True

    found = summarise(rank(scores, positives))

    assert found.recall_at == {1: 0.0, 5: 0.0, 10: 0.0}
    assert found.mean_average_precision == pytest.approx((1 / 11 + 2 / 12) / 2)
    assert found.mean_average_precision_at_k == 0.0
    assert found.r_precision == 0.0
    expected = np.mean([count / (50 + count) for count in range(1, 11)])
    assert found.micro_average_precision == pytest.approx(expected)
    assert [point.recall for point in found.at_precision] == [0.0, 0.0]
    assert [point.threshold for point in found.at_precision] == [None, None]


def test_the_query_itself_is_neither_right_nor_wrong():
    embeddings = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    is_same = np.array([[True, True, False], [True, True, False], [False, False, True]])

    found = summarise(rank(embeddings @ embeddings.T, is_same, np.eye(3, dtype=bool)))

    assert found.recall_at[1] == 1.0
    assert found.pairs == 6
    assert found.queries_without_positives == 1


def test_a_query_without_positives_counts_in_the_pooled_figures_alone():
    scores = np.array([[0.9, 0.1], [1.0, 0.95]])
    positives = np.array([[True, False], [False, False]])

    found = summarise(rank(scores, positives))

    assert (found.queries, found.queries_without_positives) == (2, 1)
    assert found.mean_average_precision == 1.0
    assert found.micro_average_precision == pytest.approx(1 / 3)


def test_nothing_right_anywhere_is_refused():
    with pytest.raises(NoPositives, match="None of the 2 queries"):
        summarise(rank(np.zeros((2, 3)), np.zeros((2, 3), dtype=bool)))


@pytest.mark.parametrize(
    ("asked", "threshold", "precision", "recall"),
    [
        (0.6, 0.3, 4 / 6, 1.0),
        (0.7, 0.5, 3 / 4, 0.75),
        (0.8, 0.8, 1.0, 0.5),
        (1.0, 0.8, 1.0, 0.5),
    ],
    ids=str,
)
def test_threshold_of_an_asked_precision(asked, threshold, precision, recall):
    # right .9 and .8; of the two at .5 one is right, so no threshold takes only that one
    scores = np.array([0.9, 0.8, 0.5, 0.5, 0.4, 0.3])
    is_right = np.array([True, True, False, True, False, True])

    point = operating_point(scores, is_right, asked)

    assert (point.threshold, point.recall) == (threshold, recall)
    assert point.precision == pytest.approx(precision)


def test_a_threshold_needs_a_positive_pair():
    with pytest.raises(NoPositives, match="None of the 2 pairs"):
        operating_point(np.array([0.1, 0.2]), np.zeros(2, dtype=bool), 0.9)
