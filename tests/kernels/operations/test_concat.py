"""Values one behind the other along a dimension, and rolled ones."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mnistlab.errors import KernelError
from tests.kernels.models import Model
from tests.kernels.operations.oracle import BATCHES, SEEDS, check, compute, modest, normal, sizes


@given(
    batch=BATCHES,
    shape=sizes(1, 7, 3),
    axis=st.sampled_from([1, 2, 3, -1]),
    parts=st.lists(st.integers(1, 7), min_size=1, max_size=5),
    seed=SEEDS,
)
@modest
def test_any_number_of_values_along_any_dimension(batch, shape, axis, parts, seed):
    def joined(x):
        values = [x.narrow(axis, 0, min(part, x.shape[axis])).exp() for part in parts]
        return torch.cat([*values, x, values[0]], axis)

    check(joined, normal(batch, shape, seed=seed))


@pytest.mark.parametrize(
    "function",
    [
        *(lambda x: torch.concat((x, x), dim=1), lambda x: torch.concatenate([x, -x], axis=-1)),
        *(lambda x: torch.cat([x], 1), lambda x: torch.stack([x, x * x], 1)),
        *(lambda x: torch.stack((x, x), -1), lambda x: torch.stack([x, -x]).mean(0)),
        *(lambda x: x.roll(2, 1), lambda x: torch.roll(x, (1, -2), dims=(2, 3))),
        *(lambda x: x.roll((-1, 9), (1, 3)), lambda x: x.roll(4, 2)),
    ],
)
def test_spellings(function):
    check(function, normal(17, (3, 4, 5)))


def test_dense_connections():
    def dense(m, x):
        for layer in (m.a, m.b):
            x = torch.cat([x, layer(x).relu()], 1)
        return x

    check(
        Model(dense, a=nn.Conv2d(2, 3, 3, padding=1), b=nn.Conv2d(5, 4, 1)), normal(17, (2, 5, 6))
    )


def test_a_class_token():
    def tokens(m, x):
        token = m.token.expand(x.shape[0], -1, -1)
        return torch.cat([token, x], dim=1) + m.position

    w = {"token": nn.Parameter(normal(1, (1, 6))), "position": nn.Parameter(normal(1, (5, 6)))}
    check(Model(tokens, **w), normal(17, (4, 6)))


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: torch.cat([x, x]), "works across the images of a batch"),
        (lambda x: x.roll(1, 0), "works across the images of a batch"),
        (lambda x: x.roll(1), "rolls all dimensions as one"),
    ],
)
def test_refusals(function, reason):
    with pytest.raises(KernelError, match=reason):
        compute(function, normal(2, (3, 4)))
