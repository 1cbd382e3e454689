"""Power: how many seeds it takes to see a difference."""

import math

_SIGNIFICANCE, _POWER = 0.05, 0.8
_SMALLEST_EFFECT, _LARGEST_EFFECT = 0.01, 3.0
"""Differences over their standard deviation; beyond these the answer is out of reach, or the fewest seeds."""


def seeds_needed(difference: float, deviation: float, fewest: int) -> int | None:
    """Return with how many seeds a paired t-test finds a difference in 80 of 100 comparisons, at p < 0.05.

    Args:
        difference: the true one, not 0, in any unit.
        deviation: standard deviation of the paired differences, in the same unit, at least 0.
        fewest: the answer is at least that.

    Returns:
        ``None`` for more than about 80,000.
    """
    from statsmodels.stats.power import TTestPower

    effect = min(abs(difference) / deviation, _LARGEST_EFFECT) if deviation else _LARGEST_EFFECT
    if effect < _SMALLEST_EFFECT:
        return None
    found = TTestPower().solve_power(effect, nobs=None, alpha=_SIGNIFICANCE, power=_POWER, alternative="two-sided")
    return max(fewest, math.ceil(float(found)))
