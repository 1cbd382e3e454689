"""Padding, cropping and nearest upsampling against PyTorch in float64."""

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
from tests.kernels.operations.oracle import BATCHES, check, compute, modest, normal, sizes


@modest
@given(sizes(-2, 4, 6), st.sampled_from([None, 2.5, float("-inf")]), BATCHES)
def test_constant_padding_and_cropping(pad, value, batch):
    def padded(x):
        return functional.pad(x, pad, value=value).clamp(min=-3)

    check(padded, normal(batch, (5, 6, 7)))


@modest
@given(sizes(0, 4, 4), st.sampled_from(["reflect", "replicate", "circular"]), BATCHES)
def test_other_modes(pad, mode, batch):
    check(lambda x: functional.pad(x, pad, mode), normal(batch, (2, 5, 6)))


@pytest.mark.parametrize("mode", ["reflect", "replicate"])
def test_other_modes_crop(mode):
    check(lambda x: functional.pad(x, (-1, 2, 1, -2), mode), normal(5, (2, 5, 6)), threads=())


@pytest.mark.parametrize("layer", [nn.ZeroPad2d(2), nn.ReflectionPad1d(1), nn.ConstantPad1d(2, 1)])
def test_layers(layer):
    shape = (2, 5, 6) if "2d" in str(layer) else (2, 6)
    check(layer, normal(5, shape), threads=())


@modest
@given(sizes(1, 6, 2), sizes(1, 13, 2), st.sampled_from(["nearest", "nearest-exact"]), BATCHES)
def test_interpolation_to_any_size(image, size, mode, batch):
    check(lambda x: functional.interpolate(x, size, mode=mode), normal(batch, (2, *image)))


@pytest.mark.parametrize("factor", [2, 3.0, (2, 1), (0.5, 1.7)])
def test_interpolation_by_a_factor(factor):
    check(nn.Upsample(scale_factor=factor), normal(17, (2, 5, 6)), threads=(2,))


def test_interpolation_of_sequences():
    check(nn.Upsample(size=11), normal(17, (2, 5)), threads=())


def test_a_known_result():
    (found,) = compute(nn.Upsample(scale_factor=2), torch.tensor([[[[1.0, 2.0]]]]))
    assert found.tolist() == [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear"), "bilinear"),
        (lambda x: functional.pad(x, (0, 0, 0, 0, 0, 0, 1, 1)), "across the images"),
    ],
)
def test_refused(function, reason):
    with pytest.raises(KernelError, match=reason):
        compute(function, normal(2, (2, 5, 6)))


@modest
@given(sizes(-1, 3, 4), sizes(1, 3, 2), st.sampled_from([None, 2.5]), st.booleans(), BATCHES)
def test_copies_of_copies(pad, step, value, upsampled, batch):
    def copied(x):
        x = functional.pad(x.exp()[:, :, :: step[0], 1 :: step[1]], pad, value=value)
        x = functional.interpolate(x, scale_factor=2) if upsampled else x
        return functional.pad(x[:, 1:], (0, 0, 0, 0, 1, 2)) * 2

    check(copied, normal(batch, (3, 9, 8)))


def test_copies_one_behind_the_other_are_one():
    def shortcut(x):
        return functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 1, 2))

    graph = fuse(trace(Model(lambda _, x: shortcut(x)), (3, 5, 6)))
    assert [(node.operation, node.output.shape) for node in graph.nodes] == [("gather", (6, 3, 3))]
