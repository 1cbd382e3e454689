"""The sign-flip test: how likely paired differences are to be as far from 0 with random signs."""

import math

import numpy as np
from numpy.typing import NDArray

_MOST_STEPS = 1_000_000
"""Of the lattice to which differences that are not whole numbers are rounded."""


def sign_flip_p(differences: NDArray[np.float64] | NDArray[np.int64]) -> float:
    """Return the exact two-sided p of the paired permutation test of a mean of 0 (Fisher, 1935).

    If two recipes are equal, each difference could as well have the other sign. The p is the share
    of all 2ⁿ choices of signs whose sum is at least as far from 0. Sums are counted rather than
    choices: a sum of whole numbers takes few values, so that the test is exact with any number of
    seeds (Pagano and Tritchler, 1983).

    Args:
        differences: ``(n,)``, best as whole numbers, such as images. Others are rounded to a power
            of ten that keeps their sum below a million steps, and tested exactly then.

    Returns:
        1 for fewer than two differences.

    >>> sign_flip_p(np.array([12, 5, 20, -3, 9, 11])) == 4 / 64
    True
    """
    if len(differences) < 2:
        return 1.0
    steps = _whole(np.asarray(differences, np.float64))
    sizes = np.abs(steps[steps != 0])
    # Counted are the sums of those with a plus sign: twice such a sum, less all, is the signed one.
    chances = np.ones(1)
    for size in sizes:
        longer = np.zeros(len(chances) + size)
        longer[: len(chances)] = chances / 2
        longer[size:] += chances / 2
        chances = longer
    sums = 2 * np.arange(len(chances)) - sizes.sum()
    return min(1.0, float(chances[np.abs(sums) >= abs(steps.sum())].sum()))


def _whole(differences: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the differences as the smallest whole numbers in the same proportions."""
    total = float(np.abs(differences).sum())
    if total and not (np.equal(np.rint(differences), differences).all() and total <= _MOST_STEPS):
        differences = differences / 10.0 ** math.ceil(math.log10(total / _MOST_STEPS))
    steps = np.rint(differences).astype(np.int64)
    return steps // max(int(np.gcd.reduce(steps)), 1)
