"""Values with their dimensions in another order."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.kernels.operations.oracle import BATCHES, SEEDS, check, modest, normal, sizes


@given(
    batch=BATCHES,
    shape=st.integers(1, 4).flatmap(lambda dimensions: sizes(1, 11, dimensions)),
    data=st.data(),
    seed=SEEDS,
)
@modest
def test_any_order(batch, shape, data, seed):
    order = data.draw(st.permutations(range(len(shape) + 1)))
    check(lambda x: x.exp().permute(order).tanh(), normal(batch, shape, seed=seed))


@pytest.mark.parametrize(
    "function",
    [
        *(lambda x: x.permute(0, 2, 3, 1), lambda x: torch.permute(x, (0, 3, 1, 2))),
        *(lambda x: x.permute([0, 2, 1, 3]), lambda x: torch.permute(x, dims=(0, 3, 2, 1))),
        *(lambda x: x.transpose(1, -1), lambda x: torch.swapaxes(x, 2, 3), lambda x: x.mT),
        *(lambda x: x.movedim(1, -1), lambda x: torch.moveaxis(x, (1, 2), (3, 1))),
        *(lambda x: x.flatten(1).t(), lambda x: x.flatten(1).T),
    ],
)
def test_spellings(function):
    check(function, normal(5, (3, 9, 17)))


def test_a_channel_shuffle():
    def shuffled(x):
        n, c, h, w = x.shape
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)

    check(shuffled, normal(17, (6, 3, 5)))


def test_a_value_that_others_use_too():
    check(lambda x: x.mT + x.permute(0, 1, 3, 2) * x, normal(17, (2, 9, 9)))
