"""How large a share may really be, given how often it was seen."""

import math

CONFIDENCE = 0.95
_HALVINGS = 60  # a double has no more digits


def upper_bound(seen: int, trials: int) -> float:
    """Return the largest share that would show as few as `seen` in one of 20 such experiments.

    One-sided, exact; 3 / trials where nothing was seen, which is the rule of three.

    Args:
        seen: 0..trials.
        trials: independent ones, ≥ 0; with none the share may be 1.

    Source: Clopper, Pearson, "The use of confidence or fiducial limits illustrated in the case of
    the binomial", Biometrika 1934.
    """
    if seen >= trials:
        return 1.0
    low, high = seen / trials, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _at_most(seen, trials, middle) > 1 - CONFIDENCE:
            low = middle
        else:
            high = middle
    return high


def lower_bound(seen: int, trials: int) -> float:
    """Return the smallest share that would show as many as `seen`; see `upper_bound`."""
    return 1 - upper_bound(trials - seen, trials)


def _at_most(seen: int, trials: int, share: float) -> float:
    """Return the chance of `seen` or fewer; 0 < share < 1."""
    if share >= 1:
        return 0.0
    total = math.lgamma(trials + 1)
    return (
        math.fsum(
            math.exp(
                total
                - math.lgamma(count + 1)
                - math.lgamma(trials - count + 1)
                + count * math.log(share)
                + (trials - count) * math.log1p(-share)
            )
            for count in range(seen + 1)
        )
        if share > 0
        else 1.0
    )
