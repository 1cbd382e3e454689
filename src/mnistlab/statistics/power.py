"""Power: how many seeds it takes to see a difference, or that there is none."""

import math

from mnistlab.statistics.looks import MINIMUM_SEEDS, SIGNIFICANCE

POWER = 0.8
"""Share of the comparisons in which what is there is to be found."""
_SMALLEST_EFFECT, _LARGEST_EFFECT = 0.01, 3.0
"""Differences over their standard deviation; beyond these the answer is out of reach, or the fewest
seeds."""


def seeds_needed(
    difference: float, std: float, fewest: int = MINIMUM_SEEDS, alpha: float = SIGNIFICANCE
) -> int | None:
    """Return with how many seeds a paired t-test finds a difference in 80 of 100 comparisons.

    Args:
        difference: the true one, chosen beforehand and not the one observed; not 0, in any unit.
        std: standard deviation of the paired differences, in the same unit, at least 0.
        fewest: the answer is at least that.
        alpha: p below which it counts as found.

    Returns:
        ``None`` for more than about 80,000.
    """
    return _seeds(difference, std, POWER, "two-sided", fewest, alpha)


def seeds_for_equivalence(
    margin: float, std: float, fewest: int = MINIMUM_SEEDS, alpha: float = SIGNIFICANCE
) -> int | None:
    """Return with how many seeds two recipes that are the same are found equivalent in 80 of 100
    comparisons.

    Each of the two one-sided tests has to succeed, and fails in half of the other 20.

    Args:
        margin: within which they count as equivalent, above 0, in any unit.
        std: as for :func:`seeds_needed`.
        fewest: the answer is at least that.
        alpha: as for :func:`seeds_needed`.

    Returns:
        ``None`` for more than about 110,000.
    """
    return _seeds(margin, std, (1 + POWER) / 2, "larger", fewest, alpha)


def _seeds(
    size: float, std: float, power: float, alternative: str, fewest: int, alpha: float
) -> int | None:
    from statsmodels.stats.power import TTestPower

    effect = min(abs(size) / std, _LARGEST_EFFECT) if std else _LARGEST_EFFECT
    if effect < _SMALLEST_EFFECT:
        return None
    found = TTestPower().solve_power(
        effect, nobs=None, alpha=alpha, power=power, alternative=alternative
    )
    return max(fewest, math.ceil(float(found)))
