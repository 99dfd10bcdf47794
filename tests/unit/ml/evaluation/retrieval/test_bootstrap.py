import numpy as np
import pytest

from ml.evaluation.retrieval import bootstrap
from ml.evaluation.retrieval.bootstrap import CONFIDENCE, compare, draw, interval, resample
from ml.evaluation.retrieval.metrics import ASKED_PRECISIONS, summarise
from ml.evaluation.retrieval.ranking import rank


def trial(rng, *, levels=8, queries=8, gallery=12):
    scores = rng.integers(levels, size=(queries, gallery)) / levels
    positives = rng.random((queries, gallery)) < 0.3
    positives[1] = False
    return scores, positives


def naive_pooled(scores, positives, weights):
    """µAP and recalls when the pairs of query q weigh weights[q], threshold by threshold."""
    pairs = [
        (scores[q, g], bool(positives[q, g]), weights[q])
        for q in range(scores.shape[0])
        for g in range(scores.shape[1])
    ]
    pairs.sort(key=lambda pair: (-pair[0], pair[1]))
    total = sum(weight for _, is_right, weight in pairs if is_right)
    found = seen = gained = 0.0
    recalls = dict.fromkeys(ASKED_PRECISIONS, 0.0)
    for _, is_right, weight in pairs:
        seen += weight
        if is_right and weight:
            found += weight
            middle = (weight - 1) / 2
            gained += weight * (found - middle) / (seen - middle)
            for asked in recalls:
                if found / seen >= asked:
                    recalls[asked] = found / total
    return gained / total, *recalls.values()


def test_drawing_every_query_once_gives_the_figures_themselves(rng):
    scores, positives = trial(rng)
    ranking = rank(scores, positives)

    resampled = resample(ranking, np.arange(8), np.ones((1, 8), dtype=np.float32))

    figures = summarise(ranking).figures()
    assert set(resampled) == set(figures)
    assert {name: values[0] for name, values in resampled.items()} == pytest.approx(figures)


@pytest.mark.parametrize("at_once", [1, 7, 2048], ids="{}-pairs".format)
def test_resamples_agree_with_loops(rng, monkeypatch, at_once):
    monkeypatch.setattr(bootstrap, "_PAIRS_AT_ONCE", at_once)
    scores, positives = trial(rng)
    ranking = rank(scores, positives)
    unit_of_query = np.array([0, 0, 1, 1, 2, 2, 3, 4])
    drawn = draw(5, resamples=20, rng=rng)

    resampled = resample(ranking, unit_of_query, drawn)

    precision = ranking.queries.average_precision
    for row, weights in enumerate(drawn[:, unit_of_query]):
        listed = [p for p, w in zip(precision, weights, strict=True) for _ in range(int(w))]
        assert resampled["mean_average_precision"][row] == pytest.approx(np.nanmean(listed))
        expected = naive_pooled(scores, positives, weights)
        names = ("micro_average_precision", *list(resampled)[-2:])
        assert [resampled[name][row] for name in names] == pytest.approx(expected)


def test_units_are_drawn_whole_and_as_many_as_there_are(rng):
    drawn = draw(7, resamples=200, rng=rng)

    assert (drawn.shape, drawn.dtype) == ((200, 7), np.float32)
    assert np.array_equal(drawn.sum(axis=1), np.full(200, 7))
    assert drawn.mean(axis=0) == pytest.approx(np.ones(7), abs=0.3)


def test_the_same_seed_draws_the_same(rng):
    first, second = (draw(9, resamples=5, rng=np.random.default_rng(3)) for _ in range(2))

    assert np.array_equal(first, second)


def test_a_resample_without_an_answerable_query_is_unknown():
    ranking = rank(np.array([[0.9, 0.1], [0.2, 0.3]]), np.array([[True, False], [False, False]]))

    resampled = resample(ranking, np.arange(2), np.array([[0, 2], [2, 0]], dtype=np.float32))

    for values in resampled.values():
        assert np.isnan(values[0])
        assert values[1] == 1.0


def test_the_interval_is_the_middle_of_the_resamples():
    values = np.append(np.arange(1001) / 1000, np.nan)

    found = interval(values)

    assert CONFIDENCE == 0.95
    assert (found.low, found.high) == pytest.approx((0.025, 0.975))


def test_resamples_that_know_nothing_exclude_nothing():
    unknown = np.full(3, np.nan)

    difference = compare(0.6, 0.5, unknown, unknown)

    assert (interval(unknown).low, interval(unknown).high) == (-1.0, 1.0)
    assert (difference.interval, difference.share_above_zero) == (interval(unknown), 0.0)


def test_the_interval_of_a_share_is_that_of_the_binomial(rng):
    # given: 400 queries, of which 300 find their answer first
    scores = np.zeros((400, 2))
    scores[:300, 0] = 1
    positives = np.tile([True, False], (400, 1))

    drawn = draw(400, resamples=2000, rng=rng)
    found = interval(resample(rank(scores, positives), np.arange(400), drawn)["recall_at_1"])

    half = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert (found.low, found.high) == pytest.approx((0.75 - half, 0.75 + half), abs=0.006)


def test_a_comparison_is_of_the_same_resamples():
    first = np.array([0.5, 0.7, 0.6, np.nan, 0.4])
    second = np.array([0.4, 0.6, 0.5, np.nan, 0.5])

    difference = compare(0.6, 0.55, first, second)

    assert difference.value == pytest.approx(0.05)
    assert difference.share_above_zero == 0.75
    assert difference.interval.high == pytest.approx(0.1)
