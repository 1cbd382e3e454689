"""Normal draws: their distribution, and their bits."""

import hashlib

import pytest
import torch
from scipy import stats

from mnistlab.training.randomness import normal


def test_draws_are_standard_normal():
    drawn = normal(torch.Generator().manual_seed(1), 500, 1001).double().numpy().ravel()
    assert stats.kstest(drawn, "norm").pvalue > 0.001
    assert stats.kurtosis(drawn) == pytest.approx(0, abs=0.03)
    assert (abs(drawn) > 4).mean() == pytest.approx(2 * stats.norm.sf(4), rel=0.6)


def test_neighbouring_draws_are_independent():
    drawn = normal(torch.Generator().manual_seed(2), 200_000)
    for lag in (1, 2, 8192):
        assert torch.corrcoef(torch.stack([drawn[lag:], drawn[:-lag]]))[0, 1].abs() < 0.01


def test_the_bits_are_these_everywhere():
    drawn = normal(torch.Generator().manual_seed(3), 3, 5, 4099)
    assert hashlib.sha256(drawn.numpy().tobytes()).hexdigest()[:12] == "3f6784a03f1b"


def test_an_odd_number_is_drawn_and_none():
    assert normal(torch.Generator(), 7).shape == (7,)
    assert normal(torch.Generator(), 0, 3).shape == (0, 3)
