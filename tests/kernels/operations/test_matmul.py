"""Products of matrices, of values and of parameters, and Einstein's notation."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.trace import trace
from tests.kernels.models import Model
from tests.kernels.operations.oracle import BATCHES, SEEDS, check, compute, modest, normal, sizes

SIDES = st.integers(1, 13)


@given(
    batch=BATCHES,
    leading=st.integers(0, 2).flatmap(lambda dimensions: sizes(1, 3, dimensions)),
    sides=st.tuples(SIDES, SIDES, SIDES),
    turned=st.tuples(st.booleans(), st.booleans()),
    repeated=st.booleans(),
    seed=SEEDS,
)
@modest
def test_two_values(batch, leading, sides, turned, repeated, seed):
    rows, terms, columns = sides

    def product(x):
        a = x[..., : rows * terms].reshape(len(x), *leading, *(sides[:2])).exp()
        b = x[..., rows * terms :].reshape(len(x), *leading, terms, columns).sigmoid()
        if repeated and leading:
            b = b[:, :1]
        a = a.mT.tanh().mT if turned[0] else a
        b = b.mT.tanh().mT if turned[1] else b
        return a @ b

    check(product, normal(batch, (*leading, rows * terms + terms * columns), seed=seed))


@given(
    batch=BATCHES,
    shape=st.integers(1, 3).flatmap(lambda dimensions: sizes(1, 9, dimensions)),
    columns=SIDES,
    seed=SEEDS,
)
@modest
def test_a_value_and_a_parameter(batch, shape, columns, seed):
    w = nn.Parameter(normal(shape[-1], (columns,)))
    values = normal(batch, shape, seed=seed)
    check(Model(lambda m, x: x @ m.w, w=w), values)
    check(Model(lambda m, x: x @ m.w.t(), w=nn.Parameter(w.detach().t().contiguous())), values)


@pytest.mark.parametrize(
    "function",
    [
        *(lambda x: x @ x.mT, lambda x: x.transpose(-2, -1) @ x, lambda x: x.mT.matmul(x)),
        *(lambda x: torch.bmm(x[:, 0], x[:, 1].transpose(1, 2)), lambda x: x[:, 0].mT.bmm(x[:, 1])),
        *(
            lambda x: torch.matmul(x, x.mT).softmax(-1) @ x,
            lambda x: torch.mm(x[:, 0, 0], torch.ones(5, 2).to(x)),
        ),
        *(
            lambda x: torch.einsum("bhid,bhjd->bhij", x, x.tanh()),
            lambda x: torch.einsum("bhij,bhjd->bhid", x @ x.mT, x),
        ),
        *(
            lambda x: torch.einsum("bhid, bhjd -> bihj", x, x),
            lambda x: torch.einsum("bchw,bcvw->bvhc", x, x),
        ),
        *(
            lambda x: torch.einsum("bi,bj->bij", x[:, 0, 0], x[:, 1, 1]),
            lambda x: torch.einsum("bhid,bhid->bh", x, x.exp()),
        ),
    ],
)
def test_spellings(function):
    check(function, normal(17, (3, 4, 5)))


@pytest.mark.parametrize(
    ("equation", "shape"),
    [("bchw,oc->bohw", (7, 3)), ("bhid,de->bhie", (5, 6)), ("bhid,hd->bhi", (3, 5))],
)
def test_einsum_with_a_parameter(equation, shape):
    w = nn.Parameter(normal(shape[0], shape[1:]))
    check(Model(lambda m, x: torch.einsum(equation, x, m.w), w=w), normal(17, (3, 4, 5)))


def test_parameters_in_front_and_vectors():
    w = {"left": nn.Parameter(normal(6, (4,))), "vector": nn.Parameter(normal(5, ()))}
    each = nn.Parameter(normal(3, (6, 4)))
    check(
        Model(lambda m, x: (m.left @ x) @ m.vector + (m.each @ x).sum(-1), each=each, **w),
        normal(17, (3, 4, 5)),
    )


def test_weights_that_are_computed():
    def linear(m, x):
        weight = m.weight - m.weight.mean(1, keepdim=True)
        return functional.linear(x, weight, m.bias * 2)

    w = {"weight": nn.Parameter(normal(6, (5,))), "bias": nn.Parameter(normal(6, ()))}
    check(Model(linear, **w), normal(17, (4, 5)))


@pytest.mark.parametrize("tokens", [1, 50])
def test_attention_of_several_heads(tokens):
    def attention(m, x):
        n, t, d = x.shape
        q, k, v = m.qkv(x).reshape(n, t, 3, 2, d // 2).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) * 0.5).softmax(-1)
        return m.out((weights @ v).transpose(1, 2).reshape(n, t, d))

    check(Model(attention, qkv=nn.Linear(8, 24), out=nn.Linear(8, 8)), normal(17, (tokens, 8)))


def test_transposes_cost_nothing():
    graph = trace(Model(lambda _, x: x.tanh() @ x.tanh().transpose(1, 2)), (4, 5))
    assert [node.operation for node in graph.nodes] == ["tanh", "tanh", "matmul"]
    graph = trace(Model(lambda m, x: x @ m.w.T, w=nn.Parameter(normal(6, (5,)))), (4, 5))
    assert [node.operation for node in graph.nodes] == ["linear"]


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: x @ x.t(), "combines the images of a batch with one another"),
        (lambda x: x.t() @ x, "works across the images of a batch"),
        (lambda x: torch.einsum("bi,bi->i", x, x), "combines the images of a batch"),
        (lambda x: torch.einsum("bi,ci->bc", x, x), "combines the images of a batch"),
        (lambda x: torch.einsum("...i,...i->...", x, x), "einsum"),
        (lambda x: torch.einsum("bi->b", x), "einsum"),
    ],
)
def test_refusals(function, reason):
    with pytest.raises(KernelError, match=reason):
        compute(function, normal(5, (4,)))
