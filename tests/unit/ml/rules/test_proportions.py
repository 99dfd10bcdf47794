import pytest

from ml.rules.proportions import wilson_interval


@pytest.mark.parametrize(
    ("seen", "trials", "expected"),
    [  # of scipy.stats.binomtest(seen, trials).proportion_ci(method="wilson")
        (0, 10, (0.0, 0.277533)),
        (9, 10, (0.595850, 0.982124)),
        (10, 10, (0.722467, 1.0)),
        (81, 263, (0.255289, 0.366211)),
    ],
)
def test_interval_is_the_one_of_scipy(seen, trials, expected):
    from scipy.stats import binomtest

    of_scipy = binomtest(seen, trials).proportion_ci(method="wilson")

    assert wilson_interval(seen, trials) == pytest.approx((of_scipy.low, of_scipy.high), abs=1e-12)
    assert wilson_interval(seen, trials) == pytest.approx(expected, abs=5e-3)


def test_without_trials_there_is_none():
    assert wilson_interval(0, 0) is None
