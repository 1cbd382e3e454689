"""Power: how many seeds it takes to find a difference, or to show that there is none."""

import math

import numpy as np

from mnistlab.statistics.looks import MINIMUM_SEEDS, SIGNIFICANCE, minimum_seeds
from mnistlab.statistics.sign_flip import sign_flip_p

POWER = 0.8
"""The share of studies that find what is there."""
_SMALLEST_EFFECT, _LARGEST_EFFECT = 0.01, 3.0
"""Differences over their standard deviation; beyond these the answer is out of reach, or the fewest
seeds."""
_STUDIES = 2000
"""Simulated, to find how often both tests agree."""
_COARSE, _STEPS = 64, 50
"""Choices of signs at the level, to one side, from which on the sign-flip test costs no power;
steps per standard deviation at which its sums are counted."""


def seeds_needed(difference: float, std: float, comparisons: int = 1) -> int | None:
    """Return with how many seeds 80 of 100 new studies call one recipe better.

    The number for the paired t-test, raised until the sign-flip test, which few seeds make coarse,
    agrees often enough; that is found by simulation with a fixed seed.

    Args:
        difference: the true one, chosen beforehand, not the observed one; not 0, in any unit.
        std: standard deviation of the paired differences, in the same unit, at least 0.
        comparisons: pairs in the study.

    Returns:
        ``None`` for more than about 80,000.
    """
    alpha = SIGNIFICANCE / comparisons
    seeds = _t_test_seeds(difference, std, POWER, "two-sided", alpha)
    if seeds is None:
        return None
    seeds = max(seeds, minimum_seeds(comparisons))
    effect = _effect(difference, std)
    while alpha * 2 ** min(seeds - 1, 60) < _COARSE and _found(effect, seeds, alpha) < POWER:
        seeds += 1
    return seeds


def seeds_for_equivalence(margin: float, std: float, comparisons: int = 1) -> int | None:
    """Return with how many seeds 80 of 100 new studies show two equal recipes to be equivalent.

    Both one-sided tests have to succeed; each fails in half of the other 20.

    Args:
        margin: within which they count as equivalent, above 0, in any unit.
        std: as for :func:`seeds_needed`.
        comparisons: as for :func:`seeds_needed`.

    Returns:
        ``None`` for more than about 110,000.
    """
    seeds = _t_test_seeds(margin, std, (1 + POWER) / 2, "larger", SIGNIFICANCE / comparisons)
    return seeds and max(seeds, MINIMUM_SEEDS)


def _t_test_seeds(
    size: float, std: float, power: float, alternative: str, alpha: float
) -> int | None:
    from statsmodels.stats.power import TTestPower

    effect = _effect(size, std)
    if effect < _SMALLEST_EFFECT:
        return None
    found = TTestPower().solve_power(
        effect, nobs=None, alpha=alpha, power=power, alternative=alternative
    )
    return math.ceil(float(found))


def _effect(size: float, std: float) -> float:
    return min(abs(size) / std, _LARGEST_EFFECT) if std else _LARGEST_EFFECT


def _found(effect: float, seeds: int, alpha: float) -> float:
    """Return the share of studies in which both tests are significant, 0 to 1."""
    from scipy.special import stdtr

    rows = np.random.default_rng(seeds).normal(effect, 1, (_STUDIES, seeds))
    standard = np.abs(rows.mean(axis=1)) / (rows.std(axis=1, ddof=1) / math.sqrt(seeds))
    clear = np.rint(_STEPS * rows[2 * stdtr(seeds - 1, -standard) < alpha]).astype(np.int64)
    return sum(sign_flip_p(row) < alpha for row in clear) / _STUDIES
