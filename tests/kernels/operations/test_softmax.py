"""Softmax, its logarithm, and lengths of vectors, along every axis."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from mnistlab.errors import KernelError
from tests.kernels.operations.oracle import BATCHES, SEEDS, check, compute, modest, normal, sizes

FUNCTIONS = {
    "softmax": functional.softmax,
    "softmin": functional.softmin,
    "log_softmax": functional.log_softmax,
    "torch.softmax": torch.softmax,
    "torch.log_softmax": torch.log_softmax,
    "normalize": functional.normalize,
}


@pytest.mark.parametrize("name", FUNCTIONS)
@given(batch=BATCHES, shape=sizes(1, 9, 3), axis=st.sampled_from([1, 2, 3, -1]), seed=SEEDS)
@modest
def test_along_every_axis(name, batch, shape, axis, seed):
    function = FUNCTIONS[name]
    check(lambda x: function(x, dim=axis), normal(batch, shape, seed=seed, spread=3))


@pytest.mark.parametrize("module", [nn.Softmax(-1), nn.LogSoftmax(1)], ids=str)
def test_of_many_values(module):
    check(module, normal(17, (1000,), spread=5))


@pytest.mark.parametrize("function", [functional.softmax, functional.log_softmax])
def test_extremes(function):
    rows = [[1e4, 0, -1e4], [-math.inf, 0, 1], [math.inf, 0, 1], [math.nan, 0, 1], [-math.inf] * 3]
    values = torch.tensor(rows)
    found, right = compute(lambda x: function(x, dim=1), values)[0], function(values, dim=1)
    torch.testing.assert_close(found, right, equal_nan=True)


def test_across_the_images_is_refused():
    with pytest.raises(KernelError, match="works across the images of a batch"):
        compute(lambda x: functional.softmax(x, dim=0), normal(2, (3,)))


def test_a_short_vector_is_divided_by_epsilon():
    check(lambda x: functional.normalize(x, eps=0.5), torch.tensor([[0.1, 0.2], [0.0, 0.0]]))


def test_other_lengths_than_the_euclidean_are_refused():
    with pytest.raises(KernelError, match="p 1; only 2"):
        compute(lambda x: functional.normalize(x, p=1), normal(2, (3,)))


@given(
    batch=BATCHES,
    shape=sizes(1, 9, 3),
    axes=st.sampled_from([1, 3, (1, 2), (2, 3), (1, 2, 3)]),
    keepdim=st.booleans(),
    seed=SEEDS,
)
@modest
def test_lengths(batch, shape, axes, keepdim, seed):
    check(
        lambda x: torch.linalg.vector_norm(x, dim=axes, keepdim=keepdim),
        normal(batch, shape, seed=seed),
    )


def test_the_length_of_zero_has_no_gradient():
    check(lambda x: x.norm(dim=1), torch.tensor([[0.0, 0.0], [3.0, 4.0]]))


@pytest.mark.parametrize(
    ("length", "reason"),
    [
        (lambda x: torch.linalg.vector_norm(x, 1, dim=1), "other than the Euclidean one"),
        (lambda x: torch.linalg.vector_norm(x, dim=(1, 3)), "its dimensions are not neighbours"),
    ],
)
def test_other_lengths_are_refused(length, reason):
    with pytest.raises(KernelError, match=reason):
        compute(length, normal(2, (3, 2, 2)))
