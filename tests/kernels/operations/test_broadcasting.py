"""Sums, differences, products, quotients and the larger of two values, of all shapes that fit."""

import math
import operator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.trace import trace
from tests.kernels.models import Model
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

FUNCTIONS = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
}
SHAPE = (2, 3, 4)
IN_PLACE = [operator.iadd, operator.isub, operator.imul, operator.itruediv]


def parameter(*shape):
    """Numbers from 0.5 to 1.5, by which one can divide."""
    random = torch.Generator().manual_seed(1)
    return nn.Parameter(torch.rand(shape, generator=random) + 0.5)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(batch=BATCHES, shape=sizes(1, 6, 3), repeated=st.sets(st.integers(1, 3)), seed=SEEDS)
@modest
def test_two_values_of_which_one_is_repeated(name, batch, shape, repeated, seed):
    def combined(x):
        part = x
        for axis in repeated:
            part = part.narrow(axis, 0, 1)
        return function(x, part.sigmoid()), function(part.exp(), x.exp())

    function = FUNCTIONS[name]
    check(combined, normal(batch, shape, seed=seed))


@pytest.mark.parametrize("name", FUNCTIONS)
@given(
    batch=BATCHES,
    shape=sizes(1, 6, 3),
    kept=st.tuples(*[st.booleans()] * 3),
    dimensions=st.integers(0, 4),
    seed=SEEDS,
)
@modest
def test_a_value_and_a_parameter(name, batch, shape, kept, dimensions, seed):
    own = [1, *(size if keep else 1 for size, keep in zip(shape, kept, strict=True))]
    w = parameter(*own[4 - dimensions :])
    values = normal(batch, shape, seed=seed)
    check(Model(lambda m, x: FUNCTIONS[name](x, m.w), w=w), values)
    check(Model(lambda m, x: FUNCTIONS[name](m.w, x.exp()), w=w), values)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(batch=BATCHES, shape=sizes(1, 5, 3), seed=SEEDS)
@modest
def test_a_value_with_itself(name, batch, shape, seed):
    def combined(x):
        y = x.exp()
        return FUNCTIONS[name](y, y) + y * x

    check(combined, normal(batch, shape, seed=seed))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("turned", [False, True])
@given(batch=BATCHES, size=st.integers(1, 7), seed=SEEDS)
@modest
def test_all_pairs_of_a_vector_with_itself(name, turned, batch, size, seed):
    def combined(x):
        y = x.exp()
        pair = y[:, :, None], y[:, None, :]
        return FUNCTIONS[name](*(reversed(pair) if turned else pair)) + x[:, None]

    check(combined, normal(batch, (size,), seed=seed))


@pytest.mark.parametrize(
    "function",
    [
        *(lambda x: x + 2, lambda x: 2 + x, lambda x: x - 2, lambda x: 2 - x),
        *(lambda x: x * 2, lambda x: 2 * x, lambda x: x / 3, lambda x: 3 / (x * x + 1)),
        *(lambda x: torch.add(x, 2, alpha=3), lambda x: torch.sub(x, x * x, alpha=3)),
        *(lambda x: torch.rsub(x, 2, alpha=3), lambda x: torch.rsub(x, x * x, alpha=3)),
        *(lambda x: x.mul(True), lambda x: x.add(x, alpha=-0.5), lambda x: x.true_divide(4)),
        *(lambda x: x.multiply(x), lambda x: x.subtract(1), lambda x: torch.divide(x, 7)),
        *(lambda x: torch.max(x, -x), lambda x: x.min(other=x * x), lambda x: -x + x * 0),
        lambda x: x * torch.tensor(2.0) + torch.tensor([[1.0], [2.0], [3.0]]),
    ],
)
def test_spellings(function):
    check(function, normal(5, SHAPE))


@pytest.mark.parametrize("change", IN_PLACE, ids=lambda change: change.__name__)
@pytest.mark.parametrize("of", [lambda x: x * x + 1, lambda x: (x * x + 1)[:, :1], lambda _: 3])
def test_in_place(change, of):
    check(lambda x: change(x * 2, of(x)), normal(5, SHAPE))


def test_residuals_and_gates():
    def block(m, x):
        y = x + m.position
        y = y * y.mean((2, 3), keepdim=True).sigmoid()
        return x + m.scale * y + y

    w = {"position": parameter(1, *SHAPE), "scale": parameter(2, 1, 1)}
    check(Model(block, **w), normal(17, SHAPE))


def test_what_is_expanded_is_not_copied():
    def gate(x):
        return x * x.mean((2, 3), keepdim=True).expand_as(x)

    assert [node.operation for node in trace(Model(lambda _, x: gate(x)), SHAPE).nodes] == [
        "mean",
        "multiply",
    ]
    check(gate, normal(17, SHAPE))
    # Here both are repeated, so that no operand has all the sizes.
    check(lambda x: x[:, :1].expand_as(x) * x[:, 1:].expand_as(x), normal(17, SHAPE))
    check(lambda x: x * functional.pad(x[:, :1], (0, 0, 0, 0, 1, 0)), normal(17, SHAPE))


@pytest.mark.parametrize("function", [torch.maximum, torch.minimum])
def test_equal_values_share_the_gradient(function):
    check(lambda x: function(x, x.abs()), normal(17, SHAPE))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_extremes(name):
    rows = torch.tensor([1.0, -1.0, 0.0, math.inf, -math.inf, math.nan])
    values = torch.stack([*torch.meshgrid(rows, rows, indexing="ij")], -1).reshape(36, 2)
    check_extremes(lambda x: FUNCTIONS[name](x[:, 0], x[:, 1]), values)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: x + x.transpose(0, 1), "combines the images of a batch with one another"),
        (lambda x: x / 0, "divides by zero"),
        (lambda x: torch.div(x, 2, rounding_mode="floor"), "rounding_mode"),
        (lambda x: x * (x > 0), "has no native kernel"),
    ],
)
def test_refusals(function, reason):
    with pytest.raises(KernelError, match=reason):
        compute(function, normal(1, (1, 4)))
