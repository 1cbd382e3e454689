"""The sign-flip test, against Fisher's own count, SciPy's permutations and the binomial
distribution."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, permutation_test

from mnistlab.statistics.sign_flip import sign_flip_p

DARWIN = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48])
"""Darwin's maize, cross- less self-fertilised, eighths of an inch; Fisher, The Design of
Experiments (1935)."""


def test_it_is_fishers():
    # Section 21: 863 of 32,768 arrangements are as large, and as many as small.
    assert sign_flip_p(DARWIN) == 2 * 863 / 32_768


def by_trying_all(values):
    sums = [abs(np.dot(signs, values)) for signs in product((1, -1), repeat=len(values))]
    return np.mean(np.array(sums) >= abs(sum(values)) - 1e-9)


@given(st.lists(st.integers(-40, 40), min_size=2, max_size=10))
@settings(max_examples=100)
def test_counting_sums_is_trying_all_signs(values):
    assert sign_flip_p(np.array(values)) == pytest.approx(by_trying_all(values), rel=1e-12)


@given(st.lists(st.floats(-1, 1).map(lambda value: round(value, 4)), min_size=2, max_size=9))
@settings(max_examples=100)
def test_decimals_are_counted_as_whole_numbers_are(values):
    assert sign_flip_p(np.array(values)) == pytest.approx(by_trying_all(values), rel=1e-12)


def test_losses_agree_with_scipy():
    for seed in range(20):
        values = np.random.default_rng(seed).normal(0.001, 0.003, 11)
        theirs = permutation_test(
            (values, np.zeros(11)),
            lambda x, y: np.mean(x - y),
            permutation_type="samples",
            n_resamples=np.inf,
        ).pvalue
        # Rounded to a millionth of their sum, two of the 2,048 sums may change places.
        assert sign_flip_p(values) == pytest.approx(theirs, abs=3 / 2**11)


@pytest.mark.parametrize(
    ("count", "p"), [(1, 1.0), (2, 0.5), (5, 2 / 32), (6, 2 / 64), (60, 2.0**-59), (500, 2.0**-499)]
)
def test_a_difference_that_always_points_one_way(count, p):
    assert sign_flip_p(np.arange(1, count + 1)) == p


@pytest.mark.parametrize(("plus", "minus"), [(3, 9), (20, 20), (70, 30), (300, 220)])
def test_differences_of_one_size_are_a_sign_test(plus, minus):
    values = np.array([7] * plus + [-7] * minus)
    assert sign_flip_p(values) == pytest.approx(binomtest(plus, plus + minus).pvalue, rel=1e-9)


def test_equal_recipes_have_a_p_of_one():
    assert sign_flip_p(np.zeros(8)) == 1.0
    assert sign_flip_p(np.array([0, 0, 5, 0])) == 1.0


@given(
    st.lists(st.integers(-30, 30), min_size=2, max_size=40),
    st.sampled_from([1, 3, 0.01, 1e-7, 1e9]),
)
@settings(max_examples=60)
def test_neither_order_nor_sign_nor_unit_matter(values, unit):
    p = sign_flip_p(np.array(values))
    assert sign_flip_p(-np.array(values)[::-1] * unit) == pytest.approx(p, rel=1e-12)
