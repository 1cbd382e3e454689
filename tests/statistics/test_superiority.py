"""The probability that one run beats another, and its interval."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.statistics.superiority import superiority, superiority_interval


def test_superiority_by_hand():
    assert superiority(np.array([3.0, 1.0]), np.array([2.0, 1.0])) == pytest.approx(2.5 / 4)
    assert superiority(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == 0.0


@given(probability=st.floats(0, 1), ones=st.integers(2, 40), others=st.integers(2, 40))
def test_the_interval_solves_newcombes_equation(probability, ones, others):
    """(observed - true)² = z² true (1 - true) (1 + n* ((1 - true)/(2 - true) + true/(1 + true))) /
    (m n)."""
    found = superiority_interval(probability, ones, others)
    assert 0 <= found.low <= probability <= found.high <= 1
    for end in (found.low, found.high):
        if 1e-6 < end < 1 - 1e-6:
            more = (ones + others) / 2 - 1
            spread = (
                end
                * (1 - end)
                * (1 + more * ((1 - end) / (2 - end) + end / (1 + end)))
                / (ones * others)
            )
            assert (probability - end) ** 2 == pytest.approx(
                1.959964**2 * spread, rel=1e-4, abs=1e-9
            )


def test_it_has_a_width_where_every_run_wins():
    assert superiority_interval(1.0, 6, 6).low == pytest.approx(0.689, abs=0.001)
    assert superiority_interval(0.0, 6, 6).high == pytest.approx(0.311, abs=0.001)
    assert superiority_interval(1.0, 20, 20).low > 0.89
