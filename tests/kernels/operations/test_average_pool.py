"""Average pooling over any windows against PyTorch in float64."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tests.kernels.operations.geometry import windows
from tests.kernels.operations.oracle import BATCHES, SEEDS, check, compute, modest, normal, sizes

DIVISORS = st.sampled_from([None, 3])


@modest
@given(windows(dilated=False), st.booleans(), DIVISORS, BATCHES, SEEDS)
def test_random_windows(drawn, counted, divisor, batch, seed):
    options, shape = drawn
    layer = nn.AvgPool2d(**options, count_include_pad=counted, divisor_override=divisor)
    check(layer, normal(batch, shape, seed=seed))


@modest
@given(sizes(1, 5, 2), sizes(1, 9, 2), BATCHES)
def test_adaptive(outputs, image, batch):
    check(nn.AdaptiveAvgPool2d(outputs), normal(batch, (3, *image)), threads=(3,))


@pytest.mark.parametrize(
    "layer",
    [
        nn.AvgPool1d(3, stride=2, padding=1),
        nn.AvgPool1d(2, ceil_mode=True, count_include_pad=False, padding=1),
        nn.AdaptiveAvgPool1d(4),
        nn.AdaptiveAvgPool1d(1),
    ],
    ids=str,
)
def test_sequences(layer):
    check(layer, normal(17, (3, 11)), threads=(2,))


@pytest.mark.parametrize("size", [(None, 2), (3, None), 1, (1, 2)])
def test_adaptive_sizes(size):
    check(nn.AdaptiveAvgPool2d(size), normal(17, (3, 5, 6)), threads=())


def test_a_known_result():
    """Of a window that reaches beyond the padding only the padding counts."""
    (found,) = compute(nn.AvgPool2d(2, padding=1, ceil_mode=True), torch.ones(1, 1, 2, 2))
    assert found.tolist() == [[[[0.25, 0.25], [0.25, 0.25]]]]
