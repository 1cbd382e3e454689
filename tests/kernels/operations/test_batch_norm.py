"""Batch normalisation with what follows it: a sum, ReLU, pooling."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from mnistlab.kernels.fusion import fuse
from mnistlab.kernels.trace import trace
from tests.kernels.models import Model
from tests.kernels.operations.oracle import SEEDS, check, modest, normal, sizes
from tests.kernels.reference import randomise

SEVERAL = st.sampled_from([5, 16, 17, 33])


def relu(values):
    return functional.relu(values)


FORMS = {
    "norm + x": lambda m, x: m.norm(x * 2) + x,
    "x + norm": lambda m, x: relu(x + m.norm(x.exp())),
    "relu(norm + x)": lambda m, x: relu(m.norm(x * x) + x),
    "both sides": lambda m, x: relu(m.norm(x.exp()) + m.other(x.tanh())),
    "x twice": lambda m, x: relu(m.norm(x) + x),
    "used again": lambda m, x: (y := relu(m.norm(x) + x)) * y.tanh(),
    "then pooled": lambda m, x: functional.max_pool2d(relu(m.norm(x) + x), 2),
    "then another": lambda m, x: m.other(relu(m.norm(x.exp()) + x)) + x,
    "of two sums": lambda m, x: relu(m.norm(x.exp()) + x + x * x),
    "a constant": lambda m, x: m.norm(x) + torch.ones(x.shape[1:]),
    "of channels": lambda m, x: relu(m.norm(x) + x.mean((2, 3), keepdim=True)),
}
OF_TWO = "both sides", "then another"


def model(form, channels):
    names = ("norm", "other") if form in OF_TWO else ("norm",)
    return Model(FORMS[form], **{name: nn.BatchNorm2d(channels) for name in names})


@pytest.mark.parametrize("form", FORMS)
@given(batch=SEVERAL, shape=sizes(2, 6, 3), seed=SEEDS)
@modest
def test_sums(form, batch, shape, seed):
    check(randomise(model(form, shape[0]), seed), normal(batch, shape, seed=seed))


@pytest.mark.parametrize("form", ["relu(norm + x)", "x + norm", "then another"])
def test_the_end_of_a_residual_block_is_one_operation(form):
    names = [node.operation for node in fuse(trace(model(form, 3), (3, 4, 4))).nodes]
    assert names[-1] == "batch_norm"
    assert not {"add", "relu", "add_relu"} & {*names}


def test_both_branches_may_be_normalised():
    nodes = fuse(trace(model("both sides", 3), (3, 4, 4))).nodes
    assert [node.operation for node in nodes] == ["exp", "batch_norm", "tanh", "batch_norm"]


@pytest.mark.parametrize("mean", [0, 1000, -30_000])
@pytest.mark.parametrize("shape", [(3,), (3, 2, 1), (5, 12, 13)], ids=str)
def test_values_far_from_zero_keep_their_digits(mean, shape):
    kind = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
    check(randomise(kind(shape[0])), normal(33, shape) + mean, slack=2)


def test_a_few_values_far_from_the_others_keep_the_others_digits():
    values = normal(17, (2, 16, 16))
    values[:, 0, [2, 6, 10, 14]] += 1000  # a sixteenth of them, also where a mean is guessed
    values[:, 1, 2, 0] -= 3000
    check(nn.BatchNorm2d(2), values, slack=2)


def test_equal_values_are_divided_by_the_root_of_epsilon():
    check(nn.BatchNorm2d(2), torch.full((17, 2, 5, 5), 0.7))
