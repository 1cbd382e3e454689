"""Parts of values: slices, single indices, chunks."""

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from mnistlab.errors import KernelError
from tests.kernels.models import Model
from tests.kernels.operations.oracle import BATCHES, SEEDS, check, compute, modest, normal, sizes

SHAPE = (6, 5, 4)


@given(batch=BATCHES, shape=sizes(1, 9, 3), data=st.data(), seed=SEEDS)
@modest
def test_slices(batch, shape, data, seed):
    keys = [slice(None)]
    for size in shape:
        key = data.draw(st.slices(size).filter(lambda key: (key.step or 1) > 0))
        assume(len(range(size)[key]))
        keys.append(data.draw(st.sampled_from([key, slice(None), size - 1])))
    check(lambda x: x.exp()[tuple(keys)] * 2, normal(batch, shape, seed=seed))


@pytest.mark.parametrize(
    "function",
    [
        *(lambda x: x[:, 1:], lambda x: x[:, 0], lambda x: x[..., ::2], lambda x: x[:, -1, ..., 1]),
        *(
            lambda x: x[:, None, 2:4, :, -2:],
            lambda x: x[:],
            lambda x: x[...],
            lambda x: x[:, ..., None],
        ),
        *(lambda x: x.narrow(1, 2, 3), lambda x: torch.narrow(x, -1, -2, 1)),
        *(lambda x: x.select(2, -1), lambda x: torch.select(x, 1, 0)),
        *(lambda x: x.chunk(2, dim=1), lambda x: torch.chunk(x, 4, 1), lambda x: x.split(2, 2)),
        *(lambda x: torch.split(x, [1, 2, 3], dim=1), lambda x: x.split_with_sizes([1, 3], -1)),
        *(lambda x: x.unbind(1), lambda x: torch.unbind(x, -1), lambda x: x.transpose(0, 1)[2]),
        *(lambda x: x.transpose(0, 2)[1:3, 0], lambda x: x.permute(1, 0, 2, 3).unbind(0)),
    ],
)
def test_spellings(function):
    check(function, normal(17, SHAPE))


def test_parts_that_overlap_and_parts_that_nobody_uses():
    def parts(x):
        y = x.exp()
        return y[:, 1:4] * y[:, :3] + y[:, 3:].sigmoid()

    check(parts, normal(17, SHAPE))


def test_of_a_parameter():
    w = torch.nn.Parameter(normal(6, (5, 4)))
    check(Model(lambda m, x: x * m.w[1:2] + m.w[3, :, :2].sum(), w=w), normal(5, SHAPE))


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: x[::2], "works across the images of a batch"),
        (lambda x: x[0], "works across the images of a batch"),
        (lambda x: x.chunk(2), "works across the images of a batch"),
        (lambda x: x[:, torch.tensor([0, 2])], "by a tensor or list of indices"),
        (lambda x: x[:, [0, 2]], "by a tensor or list of indices"),
        (lambda x: x[x > 0], "has no native kernel"),
        (lambda x: torch.cat([x[:, 6:], x], 1), "takes an empty part"),
    ],
)
def test_refusals(function, reason):
    with pytest.raises(KernelError, match=reason):
        compute(function, normal(4, SHAPE))
