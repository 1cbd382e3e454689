"""Values in reverse order along dimensions."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.errors import KernelError
from tests.kernels.operations.oracle import BATCHES, SEEDS, check, compute, modest, normal, sizes

AXES = st.lists(st.sampled_from([1, 2, 3]), unique=True)


@given(batch=BATCHES, shape=sizes(1, 9, 3), axes=AXES, seed=SEEDS)
@modest
def test_any_dimensions(batch, shape, axes, seed):
    check(lambda x: x.exp().flip(axes) * x, normal(batch, shape, seed=seed))


def test_spellings():
    check(
        lambda x: x.flip(-1) + x.flip(1, 2) + torch.flip(x, dims=(3,)) + torch.flip(x, [1]),
        normal(5, (3, 4, 5)),
    )


def test_the_batch_is_refused():
    with pytest.raises(KernelError, match="works across the images of a batch"):
        compute(lambda x: x.flip(0), normal(2, (3,)))
