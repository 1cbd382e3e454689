"""Shuffles of pixels and channels against PyTorch in float64."""

import pytest
from torch import nn

from tests.kernels.operations.oracle import check, normal


@pytest.mark.parametrize(
    "layer",
    [nn.PixelShuffle(2), nn.PixelUnshuffle(2), nn.ChannelShuffle(4), nn.PixelShuffle(1)],
    ids=str,
)
def test_shuffles(layer):
    check(layer, normal(17, (8, 4, 6)), threads=(3,))
