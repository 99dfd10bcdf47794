"""How large a share may really be, given how often it was seen."""

from scipy.stats import beta

CONFIDENCE = 0.95


def upper_bound(seen: int, trials: int) -> float:
    """Return the largest share that would show as few as `seen` in one of 20 such experiments.

    One-sided, exact; 3 / trials where nothing was seen, which is the rule of three.

    Args:
        seen: 0..trials.
        trials: independent ones, ≥ 0; with none the share may be 1.

    Example:
        >>> round(upper_bound(0, 100), 3)
        0.03

    Source: Clopper, Pearson, "The use of confidence or fiducial limits illustrated in the case of
    the binomial", Biometrika 1934.
    """
    return 1.0 if seen >= trials else float(beta.ppf(CONFIDENCE, seen + 1, trials - seen))


def lower_bound(seen: int, trials: int) -> float:
    """Return the smallest share that would show as many as `seen`; see `upper_bound`."""
    return 1 - upper_bound(trials - seen, trials)
