import math

import pytest

from ml.evaluation.proportions import lower_bound, upper_bound


@pytest.mark.parametrize("trials", [1, 10, 100_000], ids=str)
def test_of_nothing_seen_the_bound_is_known_in_closed_form(trials):
    assert upper_bound(0, trials) == pytest.approx(1 - 0.05 ** (1 / trials), rel=1e-9)


def test_nothing_in_many_is_the_rule_of_three():
    assert upper_bound(0, 100_000) == pytest.approx(3e-5, rel=0.01)


@pytest.mark.parametrize(("seen", "trials"), [(1, 20), (3, 50), (17, 40)], ids=str)
def test_at_the_bound_as_few_are_seen_once_in_twenty_times(seen, trials):
    share = upper_bound(seen, trials)

    chance = sum(
        math.comb(trials, count) * share**count * (1 - share) ** (trials - count)
        for count in range(seen + 1)
    )
    assert chance == pytest.approx(0.05, rel=1e-6)


def test_the_lower_bound_is_the_upper_one_of_the_rest():
    assert lower_bound(19, 20) == pytest.approx(1 - upper_bound(1, 20))


def test_without_trials_anything_may_be():
    assert (lower_bound(0, 0), upper_bound(0, 0), upper_bound(7, 7)) == (0.0, 1.0, 1.0)
