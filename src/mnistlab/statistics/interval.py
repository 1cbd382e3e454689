"""Interval: how far a mean over runs, or a share of images, may be from its true value."""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Numbers = NDArray[np.float64] | NDArray[np.int64]
CONFIDENCE = 0.95
FEWEST = 3
"""Runs that an interval needs at least."""
_NORMAL = 1.4826
"""Standard deviations of a normal distribution per median absolute deviation."""


class Interval(BaseModel):
    """An interval in the unit of its figure, with 95 % confidence unless stated otherwise."""

    model_config = ConfigDict(frozen=True)

    low: float
    high: float

    def __neg__(self) -> "Interval":
        return Interval(low=-self.high, high=-self.low)

    def __or__(self, other: "Interval") -> "Interval":
        """Return the smallest interval that contains both."""
        return Interval(low=min(self.low, other.low), high=max(self.high, other.high))

    def ends(self, digits: int | None = None) -> list[float]:
        """Return ``[low, high]``, rounded to so many decimals if given."""
        ends = [self.low, self.high]
        return ends if digits is None else [round(end, digits) for end in ends]

    @property
    def excludes_zero(self) -> bool:
        """Whether both ends lie on the same side of 0, and neither on it."""
        return self.low > 0 or self.high < 0

    def within(self, margin: float) -> bool:
        """Return whether both ends are less than ``margin`` away from 0."""
        return -margin < self.low and self.high < margin


def mean_interval(values: NDArray[np.float64], confidence: float = CONFIDENCE) -> Interval | None:
    """Return the interval of a mean by Student's t distribution (1908).

    With 3 to 20 runs it covers the true mean as often as promised. Bootstrap intervals are too
    narrow there (docs/statistics.md has the figures).

    Args:
        values: ``(n,)``.
        confidence: 0 to 1.

    Returns:
        ``None`` for fewer than :data:`FEWEST` values.

    >>> mean_interval(np.array([98.7, 98.8, 98.9]))
    Interval(low=98.551586..., high=99.048413...)
    """
    count = len(values)
    if count < FEWEST:
        return None
    reach = student_quantile((1 + confidence) / 2, count - 1) * standard_error(values)
    mean = float(values.mean())
    return Interval(low=mean - reach, high=mean + reach)


def share_interval(values: NDArray[np.float64], whole: float = 100.0) -> Interval | None:
    """Return :func:`mean_interval` of shares, of which only what lies from 0 to the whole is
    possible; ``None`` for fewer than :data:`FEWEST` values.

    >>> share_interval(np.array([1.0, 2.0, 9.0]))
    Interval(low=0.0, high=14.828105...)
    """
    found = mean_interval(values)
    return found and Interval(low=max(0.0, found.low), high=min(whole, found.high))


def student_quantile(probability: float, degrees: float) -> float:
    """Return the quantile of Student's t distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, probability))


def wilson_interval(right: float, images: float) -> Interval:
    """Return the 95 % score interval of a share, 0 to 1 (Wilson, 1927).

    Args:
        right: 0 to ``images``; a mean over runs need not be whole.
        images: above 0.
    """
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(right, images, alpha=1 - CONFIDENCE, method="wilson")
    return Interval(low=float(low), high=float(high))


def standard_deviation(values: Numbers) -> float | None:
    """Return the standard deviation with n - 1; ``None`` for a single value."""
    if len(values) < 2:
        return None
    # Equal values have none, whatever rounding makes of their mean.
    return float(values.std(ddof=1)) if np.ptp(values) else 0.0


def standard_error(values: Numbers) -> float:
    """Return the standard error of the mean of at least two values."""
    return (standard_deviation(values) or 0.0) / math.sqrt(len(values))


def interquartile_mean(values: NDArray[np.float64]) -> float:
    """Return the mean of the middle half, which one odd value does not move (Agarwal et al., 2021).

    Values on the edge of the middle half count in part; of fewer than four it is the median.

    >>> interquartile_mean(np.array([1.0, 2.0, 4.0, 6.0, 90.0]))
    4.0
    """
    count = len(values)
    if count < 4:
        return float(np.median(values))
    places = np.arange(count)
    weights = np.minimum(places + 1, 0.75 * count) - np.maximum(places, 0.25 * count)
    return float(np.average(np.sort(values), weights=np.maximum(weights, 0.0)))


def outliers(values: Numbers, factor: float, least: float) -> NDArray[np.bool_]:
    """Return which values are far from the median, ``(n,)``.

    Far is beyond ``factor`` robust standard deviations: the median absolute deviation, scaled to a
    normal distribution (Hampel, 1974). A few values may lie close together by chance, so it is also
    beyond ``least``.

    >>> outliers(np.array([10, 11, 9, 10, 900]), 6.0, 4.0).tolist()
    [False, False, False, False, True]
    """
    distances = np.abs(values - np.median(values))
    far: NDArray[np.bool_] = distances > max(factor * _NORMAL * float(np.median(distances)), least)
    return far
