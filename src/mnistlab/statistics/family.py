"""Family: several means tested at once, each against 0, with intervals that say the same as the
tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.statistics.interval import Interval, mean_interval, standard_error
from mnistlab.statistics.looks import SIGNIFICANCE
from mnistlab.statistics.sign_flip import sign_flip_p


@dataclass(frozen=True)
class MeanTest:
    """What a family's tests say of one mean.

    Attributes:
        p: of the exact sign-flip test, of this mean alone.
        adjusted_p: the larger of ``p`` and Student's, after Holm's correction (1979) for all means,
            and scaled so that it is held against 0.05.
        interval: of the mean; all of the family hold the truth together with 95 % confidence, and
            this one leaves out 0 just if ``adjusted_p`` is below 0.05. ``None`` for fewer than
            three values.
    """

    p: float
    adjusted_p: float
    interval: Interval | None


def family_tests(
    values: Sequence[NDArray[np.float64]],
    level: float = SIGNIFICANCE,
    whole: Sequence[NDArray[np.int64]] = (),
) -> list[MeanTest]:
    """Test the mean of each row of values against 0.

    The intervals are Bonferroni's: Student's, each at its share of the level. Holm's procedure can
    reject a little more than they do; what it rejects in a later step gets that step's interval.
    Where the sign-flip test is the stricter one, the interval is drawn out to 0.

    Args:
        values: each ``(n,)``.
        level: at which they are tested together, 0.05 but for repeated looks; p are scaled to be
            held against 0.05.
        whole: the same values as whole numbers, if they are such in another unit: exact signs flip
            faster.
    """
    flips = [sign_flip_p(row) for row in (whole or values)]
    scale = SIGNIFICANCE / level
    scaled = [scale * max(flip, student_p(row)) for flip, row in zip(flips, values, strict=True)]
    found = []
    for row, flip, p, share in zip(values, flips, holm(scaled), _shares(scaled), strict=True):
        interval = mean_interval(row, 1 - level / len(values))
        if interval and p < SIGNIFICANCE and not interval.excludes_zero:
            interval = mean_interval(row, 1 - level * share)
        elif interval and p >= SIGNIFICANCE and interval.excludes_zero:
            interval = Interval(low=min(interval.low, 0.0), high=max(interval.high, 0.0))
        found.append(MeanTest(flip, p, interval))
    return found


def student_p(values: NDArray[np.float64], mean: float = 0.0) -> float:
    """Return the two-sided p of Student's t-test of a mean; 1 for fewer than two values."""
    return 1.0 if len(values) < 2 else min(1.0, 2 * min(_tail(values - mean), _tail(mean - values)))


def equivalence_p(
    differences: NDArray[np.float64], margin: float, resolution: float = 0.0
) -> float:
    """Return the p of two one-sided t-tests that a mean lies beyond a margin on either side
    (Schuirmann, 1987).

    Args:
        differences: ``(n,)``.
        margin: above 0, in the same unit.
        resolution: the smallest step of a difference, such as an image. The standard deviation
            counts as at least that: few seeds that are all alike do not show that the next one will
            be.

    Returns:
        1 for fewer than two differences.
    """
    if len(differences) < 2:
        return 1.0
    return max(_tail(differences + margin, resolution), _tail(margin - differences, resolution))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number after Holm (1979).

    >>> [round(p, 2) for p in holm([0.01, 0.04, 0.03, 0.005])]
    [0.03, 0.06, 0.06, 0.02]
    """
    values, shares = np.minimum(p_values, 1.0), np.array(_shares(p_values))
    order = np.argsort(values, kind="stable")
    adjusted = np.empty(len(values))
    adjusted[order] = np.maximum.accumulate(np.minimum(values / shares, 1.0)[order])
    found: list[float] = adjusted.tolist()
    return found


def _shares(p_values: Sequence[float]) -> list[float]:
    """Return the share of the level at which Holm's procedure tests each: the smallest p gets the
    smallest.
    """
    ranks = np.argsort(np.argsort(p_values, kind="stable"), kind="stable")
    return [1 / (len(p_values) - int(rank)) for rank in ranks]


def _tail(values: NDArray[np.float64], least: float = 0.0) -> float:
    """Return the one-sided p of Student's t-test that a mean is not above 0.

    The standard deviation counts as ``least`` at least.
    """
    from scipy.stats import t

    mean, error = float(values.mean()), max(standard_error(values), least / len(values) ** 0.5)
    if not error:
        return 0.5 if not mean else float(mean < 0)
    return float(t.sf(mean / error, len(values) - 1))
