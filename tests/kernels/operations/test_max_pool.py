"""Max pooling over any windows against PyTorch in float64."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.fusion import fuse
from mnistlab.kernels.trace import trace
from tests.kernels.models import Model
from tests.kernels.operations.geometry import windows
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
@given(windows(dilated=True), BATCHES, SEEDS)
def test_random_windows(drawn, batch, seed):
    options, shape = drawn
    check(nn.MaxPool2d(**options), normal(batch, shape, seed=seed))


@modest
@given(windows(dilated=True), SEEDS)
def test_of_equal_values_the_first_gets_the_gradient(drawn, seed):
    options, shape = drawn
    check(nn.MaxPool2d(**options), normal(19, shape, seed=seed).round(), threads=())


@modest
@given(sizes(1, 5, 2), sizes(1, 9, 2), BATCHES)
def test_adaptive(outputs, image, batch):
    check(nn.AdaptiveMaxPool2d(outputs), normal(batch, (3, *image)), threads=(3,))


@pytest.mark.parametrize(
    "layer",
    [
        nn.MaxPool1d(3, stride=2, padding=1),
        nn.MaxPool1d(2),
        nn.MaxPool1d(2, dilation=3, ceil_mode=True),
        nn.AdaptiveMaxPool1d(4),
    ],
    ids=str,
)
def test_sequences(layer):
    check(layer, normal(17, (3, 11)), threads=(2,))


def test_nan_and_infinity_are_as_in_pytorch():
    values = normal(17, (2, 7, 7))
    values[0, 0, 2, 2] = values[0, 0, 2, 3] = float("nan")
    values[3, 1, 5, 5] = float("inf")
    values[4] = -float("inf")
    check_extremes(nn.MaxPool2d(3, stride=2, padding=1), values)


def test_a_known_result():
    image = torch.arange(16.0).view(1, 1, 4, 4)
    (found,) = compute(nn.MaxPool2d(3, stride=1), image)
    assert found.tolist() == [[[[10.0, 11.0], [14.0, 15.0]]]]


@given(st.sampled_from([functional.max_pool2d, torch.max_pool2d]))
@modest
def test_functional_calls(function):
    check(lambda x: function(x, 3, 1), normal(5, (2, 6, 6)), threads=())


def test_a_window_without_any_of_the_image_is_refused():
    layer = nn.Sequential(nn.MaxPool2d(2, padding=1, dilation=2))
    with pytest.raises(KernelError, match="only padding"):
        compute(layer, normal(1, (1, 1, 1)))


@pytest.mark.parametrize("pool", [functional.max_pool2d, functional.avg_pool2d])
@given(batch=BATCHES, shape=sizes(2, 7, 3), first=st.booleans(), seed=SEEDS)
@modest
def test_channels_times_gates_then_pooled(pool, batch, shape, first, seed):
    def gated(x):
        gates, values = x.tanh().mean((2, 3), keepdim=True), x.exp()
        return pool(gates * values if first else values * gates, 2)

    check(gated, normal(batch, shape, seed=seed))


def test_gates_before_pooling_are_one_operation_with_it():
    def gated(x):
        return functional.max_pool2d(x.exp() * x.amax((2, 3), keepdim=True), 2)

    names = [node.operation for node in fuse(trace(Model(lambda _, x: gated(x)), (3, 6, 6))).nodes]
    assert sorted(names) == ["amax", "exp", "pool_2x2"]
