"""Elementary functions: against extended precision, and the same bits on every processor."""

import hashlib
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mnistlab.elementary import exp, fold, log, log_softmax, power, sin_cos

ULPS = 4
DIGESTS = {
    "exp": "8400de42cece",
    "log": "4e9d380f98c4",
    "sine": "5c7943c5f191",
    "cosine": "c66c797b45e9",
}


def error(found, wanted):
    """The largest error in units in the last place of a result, at least of 1e-300."""
    units = np.spacing(np.maximum(np.abs(wanted).astype(np.float64), 1e-300))
    return (np.abs(found - wanted) / units).max()


def spread(low, high):
    return arrays(np.float64, 20, elements=st.floats(low, high))


@given(spread(-700, 700))
def test_exponentials(x):
    assert error(exp(x), np.exp(np.longdouble(x))) < ULPS


@given(arrays(np.float64, 20, elements=st.floats(1e-300, 1e300)))
def test_logarithms(x):
    assert error(log(x), np.log(np.longdouble(x))) < ULPS


@given(spread(-10_000, 10_000))
def test_sines_and_cosines(x):
    for found, function in zip(sin_cos(x), (np.sin, np.cos), strict=True):
        wanted = function(np.longdouble(x))
        np.testing.assert_allclose(found, wanted, rtol=0, atol=ULPS * np.spacing(0.5))


def test_well_known_values():
    assert exp(0) == 1
    assert log(1) == 0
    assert sin_cos(0)[0] == 0
    assert sin_cos(math.pi)[1] == -1
    assert math.isnan(exp(math.nan))


def test_the_bits_are_these_everywhere():
    x = np.arange(-5000, 5000) / 717
    sine, cosine = sin_cos(x)
    found = {"exp": exp(x), "log": log(np.arange(1, 9999) / 717), "sine": sine, "cosine": cosine}
    assert {
        name: hashlib.sha256(values.tobytes()).hexdigest()[:12] for name, values in found.items()
    } == DIGESTS


@given(st.floats(0.1, 1.1), st.integers(0, 60))
def test_powers(x, exponent):
    assert power(x, exponent) == pytest.approx(x**exponent, rel=1e-13)


def test_a_fold_adds_the_second_half_to_the_first():
    # From left to right it would be 1.
    assert fold(np.array([1.0, 1e16, -1e16, 1.0])) == 0
    assert fold(np.array([3.5])) == 3.5
    np.testing.assert_array_equal(fold(np.arange(14.0).reshape(7, 2)), [42, 49])


@given(
    arrays(np.float32, array_shapes(min_dims=2, max_dims=2), elements=st.floats(-90, 90, width=32))
)
def test_log_softmax_equals_pytorchs_of_float64(logits):
    wanted = torch.from_numpy(logits).double().log_softmax(1).numpy()
    np.testing.assert_allclose(log_softmax(logits), wanted, rtol=1e-13, atol=1e-14)


def test_log_softmax_shows_what_is_not_finite():
    found = log_softmax([[0, -math.inf, 0], [0, math.nan, 0], [math.inf, 0, 0]])
    np.testing.assert_allclose(found[0], [-math.log(2), -math.inf, -math.log(2)])
    assert np.isnan(found[1:]).all()
