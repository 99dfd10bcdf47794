"""Between what a share lies of which some trials are known."""

from math import sqrt

# Of a two-sided 95% interval.
_Z = 1.959963984540054


def wilson_interval(seen: int, trials: int) -> tuple[float, float] | None:
    """Return the lowest and the highest share, 0..1, that fits 95%; None without trials.

    Args:
        seen: 0..trials.
        trials: independent ones.

    Example:
        >>> [round(bound, 3) for bound in wilson_interval(9, 10)]
        [0.596, 0.982]

    Source: Wilson, "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 1927, equation 1.
    """
    if trials == 0:
        return None
    share, z2 = seen / trials, _Z**2
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = _Z / (1 + z2 / trials) * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    return max(0.0, middle - half), min(1.0, middle + half)
