"""Linear layers, of vectors and of tokens."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from mnistlab.errors import KernelError
from tests.kernels.models import Model
from tests.kernels.operations.oracle import BATCHES, SEEDS, check, compute, modest, normal, sizes


@given(
    batch=BATCHES,
    tokens=st.integers(0, 2).flatmap(lambda dimensions: sizes(1, 9, dimensions)),
    inputs=st.integers(1, 40),
    outputs=st.integers(1, 40),
    bias=st.booleans(),
    seed=SEEDS,
)
@modest
def test_vectors_and_tokens(batch, tokens, inputs, outputs, bias, seed):
    torch.manual_seed(seed)
    # A gradient of few weights is a long sum, in another order than PyTorch's.
    check(nn.Linear(inputs, outputs, bias), normal(batch, (*tokens, inputs), seed=seed), floor=1e-5)


def test_one_layer_for_values_of_several_shapes():
    layer = nn.Linear(6, 6)
    check(
        Model(lambda m, x: m.l(m.l(x).tanh()).mean(1) + m.l(x[:, 0]), l=layer), normal(17, (5, 6))
    )


def test_of_tokens_with_the_batch_behind():
    check(Model(lambda m, x: m.l(x.transpose(0, 1)).tanh(), l=nn.Linear(6, 3)), normal(17, (5, 6)))


def test_infinities_and_nan_stay_where_they_are():
    values = normal(17, (3, 4))
    values[2, 1, 0], values[16, 0, 3] = torch.inf, torch.nan
    layer = nn.Linear(4, 5)
    found, right = compute(layer, values)[0], layer(values)
    assert torch.equal(found.isfinite(), right.isfinite())


def test_features_that_are_the_batch_are_refused():
    with pytest.raises(KernelError, match="works across the images of a batch"):
        compute(lambda x: functional.linear(x.t(), x.t()), normal(3, (4,)))
