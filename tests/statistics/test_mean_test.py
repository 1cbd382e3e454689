"""Tests of means: Student's t, two one-sided tests, and intervals that agree with the p-values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t, ttest_1samp
from statsmodels.stats.weightstats import DescrStatsW, ttost_paired

from mnistlab.statistics.interval import mean_interval
from mnistlab.statistics.mean_test import equivalence_p, mean_test, mean_tests, student_p
from tests.statistics.test_sign_flip import DARWIN


def test_the_interval_of_darwins_maize_is_the_published_one():
    found = mean_interval(DARWIN.astype(float))
    assert DARWIN.mean() == pytest.approx(20.93, abs=0.005)
    assert found.low == pytest.approx(0.03, abs=0.005)
    assert found.high == pytest.approx(41.83, abs=0.01)
    assert (found.low, found.high) == pytest.approx(DescrStatsW(DARWIN).tconfint_mean())


def test_student_is_scipys():
    values = np.random.default_rng(0).normal(0.3, 1, 9)
    assert student_p(values) == pytest.approx(ttest_1samp(values, 0).pvalue)
    assert [student_p(np.array(row)) for row in ([1.0, 1.0, 1.0], [0.0, 0.0], [3.0])] == [
        0.0,
        1.0,
        1.0,
    ]


def test_equivalence_is_statsmodels():
    one, other = np.random.default_rng(1).normal(0, 0.1, (2, 12))
    assert equivalence_p(one - other, 0.15) == pytest.approx(
        ttost_paired(one, other, -0.15, 0.15)[0]
    )


@pytest.mark.parametrize(
    ("values", "p"),
    [([0.0] * 6, 0.0), ([0.05] * 6, 0.0), ([0.2] * 6, 1.0), ([0.1] * 6, 0.5), ([0.0], 1.0)],
)
def test_equivalence_without_spread(values, p):
    assert equivalence_p(np.array(values), 0.1) == p


def test_few_that_are_alike_count_as_an_image_apart():
    # One image of 60 is 100/60 points: a standard error of 0.68 for six of them, 0.147 of which is
    # the margin.
    assert equivalence_p(np.zeros(6), 0.1, 100 / 60) == pytest.approx(
        t.sf(0.1 / (100 / 60 / 6**0.5), 5)
    )
    assert equivalence_p(np.zeros(6), 0.1, 0.01) < 1e-5


@given(
    rows=st.integers(1, 7),
    seeds=st.integers(3, 14),
    effect=st.sampled_from([0.0, 0.8, 1.5]),
    level=st.sampled_from([0.05, 0.0025]),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=200, deadline=None)
def test_the_intervals_agree_with_the_p_values(rows, seeds, effect, level, seed):
    """Also where the sign-flip test is the stricter one."""
    values = np.rint(np.random.default_rng(seed).normal(effect * 5, 5, (rows, seeds))).astype(
        np.int64
    )
    for row, test in zip(values, mean_tests([*(values / 100)], level, [*values]), strict=True):
        assert (test.adjusted_p < 0.05) == test.interval.excludes_zero
        assert test.interval.low <= row.mean() / 100 <= test.interval.high
        # Bonferroni: intervals of the common level's share, never narrower.
        alone = mean_interval(row / 100, 1 - level / rows)
        assert (test.interval | alone) == test.interval
        raw = max(test.p, student_p(row / 100))
        assert test.adjusted_p == pytest.approx(min(1.0, raw * rows * 0.05 / level))


def test_an_interval_of_one_is_students_and_of_several_wider():
    row = np.array([0.3, 0.5, 0.4, 0.6, 0.2, 0.5, 0.4])
    assert mean_test(row).interval == mean_interval(row)
    together = mean_tests([row, -row, row + 1])
    assert together[0].interval == mean_interval(row, 1 - 0.05 / 3)


def test_a_clear_difference_beside_it_makes_no_interval_narrower():
    """Holm's procedure would test the second mean at 5 %, and its interval would cover too little:
    with six of seven means 3 SD from 0, the seven intervals together held only 92 %."""
    clear = np.array([0.30, 0.31, 0.32, 0.30, 0.33, 0.31, 0.30, 0.31])
    close = np.array([0.10, 0.30, 0.05, 0.20, -0.05, 0.02, 0.25, 0.06])
    assert 0.025 < student_p(close) < 0.05
    first, second = mean_tests([clear, close])
    assert (first.adjusted_p < 0.05, second.adjusted_p < 0.05) == (True, False)
    assert second.interval == mean_interval(close, 1 - 0.05 / 2)
    assert second.interval.low < 0


def test_where_the_sign_flips_are_stricter_the_interval_is_extended_to_zero():
    """The example of docs/statistics.md: Student's interval excludes 0, 4 of 64 signs are as
    extreme."""
    row = np.array([0.12, 0.05, 0.20, -0.03, 0.09, 0.11])
    found = mean_test(row)
    assert mean_interval(row).low > 0
    assert (found.p, found.adjusted_p, found.interval.low) == (4 / 64, 4 / 64, 0.0)
