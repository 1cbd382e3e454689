"""Superiority: the probability that a run of one recipe beats a run of another."""

import numpy as np
from numpy.typing import NDArray

from mnistlab.statistics.interval import CONFIDENCE, Interval

_NEAR = 1e-9


def superiority(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the probability that a value of one beats a value of the other, ties counting half.

    It is Mann and Whitney's U over the number of pairs, which Bouthillier et al. (2021) recommend
    for benchmarks.

    Args:
        one: ``(m,)``.
        other: ``(n,)``.
    """
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(one, other).statistic) / (len(one) * len(other))


def superiority_interval(probability: float, ones: int, others: int) -> Interval:
    """Return the 95 % interval of a :func:`superiority`, 0 to 1 (Newcombe, 2006, part 2, method 5).

    Like Wilson's score interval it stays within 0 and 1, and has a width where every run wins.

    Args:
        probability: as observed, 0 to 1.
        ones: runs of the one recipe.
        others: runs of the other.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    z, more = float(norm.ppf((1 + CONFIDENCE) / 2)), (ones + others) / 2 - 1

    def beyond(true: float) -> float:
        """Return how far a true probability is beyond the reach of chance from the observed one."""
        spread = 1 + more * ((1 - true) / (2 - true) + true / (1 + true))
        return (probability - true) ** 2 - z**2 * true * (1 - true) * spread / (ones * others)

    # Where every run wins or loses, the observed probability is another root, which is not wanted.
    below, above = min(probability, 1 - _NEAR), max(probability, _NEAR)
    low = brentq(beyond, 0.0, below) if probability > _NEAR else 0.0
    high = brentq(beyond, above, 1.0) if probability < 1 - _NEAR else 1.0
    return Interval(low=float(low), high=float(high))
