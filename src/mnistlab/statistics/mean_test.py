"""Tests of a mean against 0, with an interval that always agrees with the p-value."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.statistics.interval import Interval, mean_interval, standard_error
from mnistlab.statistics.looks import SIGNIFICANCE
from mnistlab.statistics.sign_flip import sign_flip_p


@dataclass(frozen=True)
class MeanTest:
    """The test of one mean.

    Attributes:
        p: of the exact sign-flip test, uncorrected.
        adjusted_p: the larger of ``p`` and Student's, scaled so that it is compared with 0.05.
        interval: of the mean, with confidence 1 - level. It excludes 0 exactly when
            ``adjusted_p`` is below 0.05. ``None`` for fewer than three values.
    """

    p: float
    adjusted_p: float
    interval: Interval | None


def mean_test(
    values: NDArray[np.float64],
    level: float = SIGNIFICANCE,
    whole: NDArray[np.int64] | None = None,
) -> MeanTest:
    """Test a mean against 0.

    The interval is Student's. Where the sign-flip test is the stricter one, it is extended to 0.

    Args:
        values: ``(n,)``.
        level: at which this mean is tested. If m means are tested at once, each gets an m-th of
            their common level (Bonferroni): then all intervals together hold the true means with
            that confidence, and they agree with the corrected p-values, which the intervals that
            go with Holm's procedure cannot do both.
        whole: the same values as whole numbers in another unit, if they have one. The sign-flip
            test is faster with them.
    """
    flip = sign_flip_p(values if whole is None else whole)
    p = adjust(max(flip, student_p(values)), level)
    interval = mean_interval(values, 1 - level)
    if interval and p >= SIGNIFICANCE:
        interval = Interval(low=min(interval.low, 0.0), high=max(interval.high, 0.0))
    return MeanTest(flip, p, interval)


def mean_tests(
    rows: Sequence[NDArray[np.float64]],
    level: float = SIGNIFICANCE,
    whole: Sequence[NDArray[np.int64]] = (),
) -> list[MeanTest]:
    """Test several means at once; see :func:`mean_test`.

    Args:
        rows: each ``(n,)``.
        level: at which they are tested together.
        whole: the same values as whole numbers, if they have them.
    """
    return [
        mean_test(row, level / len(rows), whole[number] if whole else None)
        for number, row in enumerate(rows)
    ]


def adjust(p: float, level: float) -> float:
    """Scale a p that counts as significant below ``level`` so that it does below 0.05.

    >>> round(adjust(0.004, 0.05 / 7), 3)
    0.028
    """
    return min(1.0, p * SIGNIFICANCE / level)


def student_p(values: NDArray[np.float64], mean: float = 0.0) -> float:
    """Return the two-sided p of Student's t-test of a mean; 1 for fewer than two values."""
    return 1.0 if len(values) < 2 else min(1.0, 2 * min(_tail(values - mean), _tail(mean - values)))


def equivalence_p(
    differences: NDArray[np.float64], margin: float, resolution: float = 0.0
) -> float:
    """Return the p of two one-sided t-tests that a mean lies outside a margin (Schuirmann, 1987).

    Args:
        differences: ``(n,)``.
        margin: above 0, in the same unit.
        resolution: the smallest step of a difference, such as one image. It is the least that the
            standard deviation counts as: a few equal seeds do not show that the next one will be
            equal too.

    Returns:
        1 for fewer than two differences.
    """
    if len(differences) < 2:
        return 1.0
    return max(_tail(differences + margin, resolution), _tail(margin - differences, resolution))


def _tail(values: NDArray[np.float64], least: float = 0.0) -> float:
    """Return the one-sided p of Student's t-test that a mean is not above 0.

    The standard deviation counts as at least ``least``.
    """
    from scipy.special import stdtr

    mean, error = float(values.mean()), max(standard_error(values), least / len(values) ** 0.5)
    if not error:
        return 0.5 if not mean else float(mean < 0)
    return float(stdtr(len(values) - 1, -mean / error))
