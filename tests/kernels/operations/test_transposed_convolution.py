"""Transposed convolution of any geometry against PyTorch in float64."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tests.kernels.operations.geometry import layers_2d
from tests.kernels.operations.oracle import BATCHES, SEEDS, check, compute, modest, normal


@modest
@given(layers_2d(nn.ConvTranspose2d, 6), BATCHES, SEEDS)
def test_random_geometry(drawn, batch, seed):
    layer, shape = drawn
    check(layer, normal(batch, shape, seed=seed))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.ConvTranspose2d(20, 6, 4), (20, 1, 1)),  # a vector becomes an image
        (nn.ConvTranspose2d(12, 5, 2, stride=2), (12, 7, 7)),  # U-Net's
        (nn.ConvTranspose2d(12, 5, 4, stride=2, padding=1, bias=False), (12, 4, 4)),  # DCGAN's
        (nn.ConvTranspose2d(12, 12, 3, stride=2, padding=1, output_padding=1), (12, 5, 5)),
        (nn.ConvTranspose2d(33, 40, 3, padding=1), (33, 6, 6)),
    ],
    ids=str,
)
def test_common_layers(layer, shape):
    check(layer, normal(33, shape), threads=(3,))


@modest
@given(st.integers(1, 5), st.integers(1, 3), st.integers(0, 2), BATCHES)
def test_sequences(kernel, stride, padding, batch):
    layer = nn.ConvTranspose1d(4, 6, kernel, stride, padding, output_padding=stride - 1, groups=2)
    check(layer, normal(batch, (4, 7)), threads=(3,))


def test_a_known_result():
    """A worked example: each pixel becomes a 2x2 block."""
    layer = nn.ConvTranspose2d(1, 1, 2, stride=2, bias=False)
    layer.weight = nn.Parameter(torch.tensor([[[[1.0, 10.0], [100.0, 1000.0]]]]))
    (found,) = compute(layer, torch.tensor([[[[1.0, 2.0]]]]))
    assert found.tolist() == [[[[1.0, 10.0, 2.0, 20.0], [100.0, 1000.0, 200.0, 2000.0]]]]
