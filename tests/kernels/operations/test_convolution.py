"""Convolution of any geometry against PyTorch in float64."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from tests.kernels.operations.geometry import layers_2d
from tests.kernels.operations.oracle import (
    BATCHES,
    SEEDS,
    check,
    check_extremes,
    compute,
    modest,
    normal,
    sizes,
)


@modest
@given(layers_2d(nn.Conv2d), BATCHES, SEEDS)
def test_random_geometry(drawn, batch, seed):
    layer, shape = drawn
    check(layer, normal(batch, shape, seed=seed))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(1, 6, 5), (1, 32, 32)),  # LeNet-5's
        (nn.Conv2d(40, 33, 3, padding=1), (40, 9, 8)),  # more channels than fit into a block
        (nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False), (16, 16, 16)),  # ResNet's
        (nn.Conv2d(16, 32, 1, stride=2, bias=False), (16, 9, 9)),
        (nn.Conv2d(24, 24, 3, padding=1, groups=24), (24, 17, 15)),  # depthwise
        (nn.Conv2d(8, 24, 3, stride=2, padding=1, groups=8), (8, 9, 9)),
        (nn.Conv2d(5, 5, 7, padding=3, groups=5), (5, 4, 4)),  # two channels at a time
        (nn.Conv2d(18, 18, 3, padding=1, groups=18), (18, 33, 40)),  # in bands of rows
        (nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2, bias=False), (2, 41, 50)),
        (nn.Conv2d(2, 2, 5, stride=2, padding=4, dilation=2, groups=2), (2, 30, 31)),
        (nn.Conv2d(3, 3, (2, 9), stride=(3, 1), padding=(0, 8), groups=3), (3, 7, 30)),
        (nn.Conv2d(2, 2, 2, stride=3, padding=7, groups=2), (2, 3, 3)),
        (nn.Conv2d(24, 40, 1), (24, 7, 7)),
        (nn.Conv2d(3, 96, 4, stride=4), (3, 16, 16)),  # patches
        (nn.Conv2d(3, 4, 3, padding=2, dilation=2), (3, 12, 12)),
        (nn.Conv2d(2, 3, 3, stride=5), (2, 11, 12)),  # positions that no output reads
        (nn.Conv2d(2, 3, 1, padding=7), (2, 3, 3)),  # more padding than image
        (nn.Conv2d(5, 4, 6), (5, 6, 6)),  # covers the image, like a linear layer
    ],
    ids=str,
)
def test_common_layers(layer, shape):
    check(layer, normal(33, shape), threads=(3,))


@modest
@given(layers_2d(nn.Conv2d), st.integers(1, 3), BATCHES, SEEDS)
def test_random_depthwise_layers(drawn, multiplier, batch, seed):
    other, (channels, *image) = drawn
    channels = 1 + channels
    options = {
        name: getattr(other, name) for name in ("kernel_size", "stride", "padding", "dilation")
    }
    layer = nn.Conv2d(channels, multiplier * channels, groups=channels, **options)
    check(layer, normal(batch, (channels, *image), seed=seed), threads=(3,))


@pytest.mark.parametrize("extreme", [math.inf, math.nan])
@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_infinities_of_a_depthwise_layer_stay_where_they_are(kernel, extreme):
    values = normal(3, (2, 9, 9))
    values[1, 1, 0, 4] = extreme
    layer = nn.Conv2d(2, 2, kernel, padding=kernel // 2, groups=2)
    check_extremes(layer, values)


@modest
@given(sizes(30, 50, 2), sizes(3, 11, 2), sizes(0, 2, 2), st.sampled_from([1, 2]), BATCHES)
def test_wide_layers(channels, image, padding, groups, batch):
    """Winograd's filtering, and where it does not pay."""
    inputs, outputs = (groups * count for count in channels)
    layer = nn.Conv2d(inputs, outputs, 3, padding=padding, groups=groups)
    check(layer, normal(min(batch, 17), (inputs, *image)), threads=(3,))


@pytest.mark.parametrize("channels", [(32, 48), (64, 33)])
def test_wide_layers_of_whole_vectors(channels):
    check(nn.Conv2d(*channels, 3, padding=1), normal(33, (channels[0], 9, 12)))


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@modest
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3), BATCHES)
def test_same_padding_pads_even_kernels_more_at_the_end(height, width, dilation, batch):
    layer = nn.Conv2d(3, 4, (height, width), padding="same", dilation=dilation)
    check(layer, normal(batch, (3, 7, 9)), threads=(2,))


def test_valid_padding_is_none():
    check(nn.Conv2d(2, 3, 3, padding="valid"), normal(5, (2, 7, 6)), threads=())


@modest
@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 3), st.integers(1, 2), BATCHES)
def test_sequences(channels, kernel, stride, dilation, batch):
    layer = nn.Conv1d(channels, 3, kernel, stride, padding=2, dilation=dilation)
    check(layer, normal(batch, (channels, 13)), threads=(3,))


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_same_padding_of_sequences():
    check(nn.Conv1d(2, 3, 4, padding="same"), normal(5, (2, 9)), threads=())


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_padding_modes(mode):
    check(nn.Conv2d(2, 3, 3, padding=2, padding_mode=mode), normal(17, (2, 6, 7)), threads=(2,))


def test_a_known_result():
    """A worked example: every second row and column of a 3x3 image, times 10, plus 1."""
    image = torch.arange(9.0).view(1, 1, 3, 3)
    weight, bias = nn.Parameter(torch.full((1, 1, 1, 1), 10.0)), nn.Parameter(torch.ones(1))
    layer = nn.Conv2d(1, 1, 1, stride=2)
    layer.weight, layer.bias = weight, bias
    (found,) = compute(layer, image)
    assert found.tolist() == [[[[1.0, 21.0], [61.0, 81.0]]]]


def test_a_functional_call_with_keywords():
    weight = nn.Parameter(torch.randn(4, 1, 3, 3))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = weight

        def forward(self, x):
            return functional.conv2d(x, weight=self.weight, stride=2, groups=2)

    check(Net(), normal(3, (2, 7, 7)), threads=())
