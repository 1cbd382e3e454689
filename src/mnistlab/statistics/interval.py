"""Interval: a mean over runs, and how far it may be from the truth."""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

CONFIDENCE = 0.95
FEWEST = 3
"""Runs from which an interval says anything."""


class Interval(BaseModel):
    """An interval, in the unit of what it belongs to; of 95 % confidence unless something else is
    said.
    """

    model_config = ConfigDict(frozen=True)

    low: float
    high: float

    def __neg__(self) -> "Interval":
        return Interval(low=-self.high, high=-self.low)

    @property
    def excludes_zero(self) -> bool:
        """Whether both ends lie on the same side of 0, and neither on it."""
        return self.low > 0 or self.high < 0

    def ends(self) -> tuple[float, float]:
        """Return the lower and the upper end."""
        return self.low, self.high

    def within(self, margin: float) -> bool:
        """Return whether both ends are less than ``margin`` away from 0."""
        return -margin < self.low and self.high < margin


def mean_interval(values: NDArray[np.float64], confidence: float = CONFIDENCE) -> Interval | None:
    """Return the interval of a mean by Student's t distribution (1908).

    With 3 to 20 runs it covers the true mean as often as it says, which bootstraps do not: theirs
    are too narrow there (docs/statistics.md has the figures).

    Args:
        values: ``(n,)``.
        confidence: 0 to 1.

    Returns:
        ``None`` for fewer than :data:`FEWEST` values.

    >>> mean_interval(np.array([98.7, 98.8, 98.9]))
    Interval(low=98.551586..., high=99.048413...)
    """
    from scipy.stats import t

    count = len(values)
    if count < FEWEST:
        return None
    reach = float(t.ppf((1 + confidence) / 2, count - 1)) * standard_error(values)
    mean = float(values.mean())
    return Interval(low=mean - reach, high=mean + reach)


def standard_deviation(values: NDArray[np.float64]) -> float | None:
    """Return the standard deviation with n - 1; ``None`` for a single value."""
    if len(values) < 2:
        return None
    # Equal values have none, whatever rounding makes of their mean.
    return float(values.std(ddof=1)) if np.ptp(values) else 0.0


def standard_error(values: NDArray[np.float64]) -> float:
    """Return that of the mean of two values or more."""
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
