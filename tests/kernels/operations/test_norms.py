"""Normalisation of single images: layer, group, instance and root mean square norm."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mnistlab.errors import KernelError
from tests.kernels.operations.oracle import BATCHES, SEEDS, check, compute, modest, normal

SIDES = st.integers(2, 9)
FLAGS = st.booleans()


def randomise(module, seed):
    random = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        nn.init.uniform_(parameter, -1, 1, generator=random)
    return module


@given(batch=BATCHES, tokens=SIDES, size=SIDES, whole=FLAGS, affine=FLAGS, bias=FLAGS, seed=SEEDS)
@modest
def test_layer_norm(batch, tokens, size, whole, affine, bias, seed):
    shape = (tokens, size) if whole else (size,)
    module = nn.LayerNorm(shape, elementwise_affine=affine, bias=bias)
    check(randomise(module, seed), normal(batch, (tokens, size), seed=seed))


@given(batch=BATCHES, groups=SIDES, each=SIDES, height=SIDES, affine=FLAGS, seed=SEEDS)
@modest
def test_group_norm(batch, groups, each, height, affine, seed):
    module = nn.GroupNorm(groups, groups * each, affine=affine)
    check(randomise(module, seed), normal(batch, (groups * each, height, 3), seed=seed))


@given(batch=BATCHES, channels=SIDES, height=SIDES, affine=FLAGS, seed=SEEDS)
@modest
def test_instance_norm(batch, channels, height, affine, seed):
    module = nn.InstanceNorm2d(channels, affine=affine)
    check(randomise(module, seed), normal(batch, (channels, height, 3), seed=seed))


@given(batch=BATCHES, tokens=SIDES, size=SIDES, affine=FLAGS, seed=SEEDS)
@modest
def test_rms_norm(batch, tokens, size, affine, seed):
    module = nn.RMSNorm(size, elementwise_affine=affine)
    check(randomise(module, seed), normal(batch, (tokens, size), seed=seed))


@given(batch=BATCHES, channels=SIDES, size=st.integers(1, 6), seed=SEEDS)
@modest
def test_local_response_norm(batch, channels, size, seed):
    module = nn.LocalResponseNorm(size, alpha=0.5, k=2.0)
    check(module, normal(batch, (channels, 4, 3), seed=seed))


@pytest.mark.parametrize(
    "module",
    [nn.LayerNorm([8, 12, 12]), nn.GroupNorm(2, 8), nn.InstanceNorm2d(8, affine=True)],
    ids=str,
)
def test_values_far_from_zero_keep_their_digits(module):
    check(randomise(module, 0), normal(17, (8, 12, 12)) + 100, slack=2)


def test_equal_values_are_divided_by_the_root_of_epsilon():
    check(nn.LayerNorm(4), torch.full((3, 4), 0.5), threads=())


def test_running_averages_of_instance_norm_are_refused():
    with pytest.raises(KernelError, match="running_mean"):
        compute(nn.InstanceNorm2d(3, track_running_stats=True), normal(2, (3, 4, 4)))
