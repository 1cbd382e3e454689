"""Means, variances, sums and the largest numbers along dimensions."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mnistlab.errors import KernelError
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

FUNCTIONS = {"mean": torch.mean, "sum": torch.sum, "amax": torch.amax, "amin": Tensor.amin}
AXES = st.lists(st.sampled_from([1, 2, 3]), min_size=1, unique=True)
SHAPE = (3, 4, 5)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(batch=BATCHES, shape=sizes(1, 19, 3), axes=AXES, keep=st.booleans(), seed=SEEDS)
@modest
def test_over_any_dimensions(name, batch, shape, axes, keep, seed):
    check(lambda x: FUNCTIONS[name](x, axes, keepdim=keep), normal(batch, shape, seed=seed))


@pytest.mark.parametrize("name", ["var", "std", "var_mean"])
@given(batch=BATCHES, shape=sizes(2, 7, 3), axes=AXES, seed=SEEDS, keep=st.booleans())
@modest
def test_variances(name, batch, shape, axes, seed, keep):
    def varied(x):
        return getattr(torch, name)(x, axes, correction=1, keepdim=keep)

    check(varied, normal(batch, shape, seed=seed))


@pytest.mark.parametrize(
    "function",
    [
        *(lambda x: x.mean(-1), lambda x: x.mean((-2, -1), True), lambda x: x.mean(dim=[2, 1])),
        *(lambda x: x.mean(axis=1, keepdims=True), lambda x: torch.sum(x, 1), lambda x: x.sum([1])),
        *(lambda x: x.var(1), lambda x: x.var((2, 3), False), lambda x: x.var(2, unbiased=False)),
        *(lambda x: x.std(dim=-1, correction=0), lambda x: torch.var_mean(x, (1, 2), False)),
        *(lambda x: x.amax(1), lambda x: x.amin((1, 2), keepdim=True), lambda x: x.max(2)[0]),
        *(lambda x: x.max(dim=1).values, lambda x: torch.max(x, -1, True).values),
        *(lambda x: x.min(1).values, lambda x: torch.min(x, dim=2, keepdim=True)[0]),
        *(lambda x: x.transpose(0, 1).mean(0), lambda x: x.transpose(0, 2).sum((0, 1))),
        lambda x: x - x.mean((1, 2, 3), keepdim=True) + x.max(1, keepdim=True)[0],
    ],
)
def test_spellings(function):
    check(function, normal(17, SHAPE))


@pytest.mark.parametrize("function", [lambda x: x.amax(2), lambda x: x.max(2)[0], Tensor.amin])
def test_who_gets_the_gradient_among_equals(function):
    values = normal(17, SHAPE).round()
    if function is Tensor.amin:
        check(lambda x: x.amin((1, 3)), values)
    else:
        check(function, values)


@pytest.mark.parametrize("function", [*FUNCTIONS.values(), lambda x, dim: torch.max(x, dim)[0]])
def test_extremes(function):
    rows = [[1, math.nan, 3], [math.inf, 0, 1], [-math.inf, 0, math.inf], [math.nan, math.nan, 0]]
    check_extremes(lambda x: function(x, 1), torch.tensor([*rows, [-math.inf] * 3]))


def test_the_mean_adds_in_order():
    values = normal(3, (2, 5, 5))
    total = torch.zeros(3, 2)
    for position in values.flatten(2).unbind(2):
        total += position
    found = compute(lambda x: x.mean((2, 3)), values)[0]
    assert torch.equal(found, total * torch.tensor(1 / 25))


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: x - x.mean(0), "works across the images of a batch"),
        (lambda x: x - x.mean(), "works across the images of a batch"),
        (lambda x: x / x.max(), "works across the images of a batch"),
        (lambda x: x.var((0, 2)), "works across the images of a batch"),
        (lambda x: x.sum(1, dtype=torch.float64), "dtype"),
    ],
)
def test_refusals(function, reason):
    with pytest.raises(KernelError, match=reason):
        compute(function, normal(2, (3, 4)))
