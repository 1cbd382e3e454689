"""Operations on single values: every spelling, derivatives at kinks, extremes, and accuracy."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.registry import handlers
from tests.kernels.operations.oracle import BATCHES, SEEDS, check, compute, modest, normal, sizes

ARGUMENTS = {
    "clamp": (-0.5, 1.0),
    "clip": (None, 0.5),
    "clamp_min": (0.25,),
    "clamp_max": (0.25,),
    "pow": (3,),
}
OPERATIONS = {
    *(
        "abs",
        "affine",
        "clamp",
        "elu",
        "erf",
        "exp",
        "expm1",
        "gelu",
        "hardsigmoid",
        "hardswish",
        "hardtanh",
    ),
    *(
        "leaky_relu",
        "log",
        "log1p",
        "mish",
        "pow",
        "relu",
        "sigmoid",
        "silu",
        "softplus",
        "softsign",
    ),
    "tanh",
}
SPELLINGS = [
    function
    for function, handler in handlers().items()
    if handler.lower.__module__.rpartition(".")[2] in OPERATIONS
]
KINKS = torch.tensor([0.0, -1, 1, -3, 3, 6, 0.5, -0.5, 20, 21, -20, -30])
FUNCTIONS = {
    "abs": torch.abs,
    "celu": lambda x: functional.celu(x, 1.5),
    "clamp": lambda x: x.clamp(-1, 3),
    "elu": lambda x: functional.elu(x, 0.5),
    "erf": torch.erf,
    "exp": torch.exp,
    "expm1": torch.expm1,
    "gelu": functional.gelu,
    "gelu tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "hardsigmoid": functional.hardsigmoid,
    "hardswish": functional.hardswish,
    "hardtanh": lambda x: functional.hardtanh(x, -3, 0.5),
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.2),
    "logsigmoid": functional.logsigmoid,
    "mish": functional.mish,
    "negative": torch.neg,
    "relu": torch.relu,
    "relu6": functional.relu6,
    "selu": functional.selu,
    "sigmoid": torch.sigmoid,
    "silu": functional.silu,
    "softplus": functional.softplus,
    "softplus of beta 2": lambda x: functional.softplus(x, 2, 5),
    "softsign": functional.softsign,
    "square": torch.square,
    "tanh": torch.tanh,
}
POSITIVE = {
    "log": torch.log,
    "log1p": torch.log1p,
    "sqrt": torch.sqrt,
    **{f"power {p}": lambda x, p=p: x**p for p in (-4, -2, -0.75, -0.5, 0.25, 1, 1.5, 3, 4)},
}


def name_of(function):
    return getattr(function, "__qualname__", str(function))


@pytest.mark.parametrize("function", SPELLINGS, ids=name_of)
def test_every_spelling(function):
    name = function.__name__.removesuffix("_")
    arguments = ARGUMENTS.get(name, ())
    values = -normal(17, (5,)).abs() - 0.1
    check(lambda x: function(-x, *arguments), values, threads=())


@pytest.mark.parametrize("name", [*FUNCTIONS, *POSITIVE])
@given(batch=BATCHES, shape=sizes(1, 6, 3), seed=SEEDS)
@modest
def test_values_and_gradients(name, batch, shape, seed):
    values = normal(batch, shape, seed=seed, spread=3)
    check(FUNCTIONS[name], values) if name in FUNCTIONS else check(
        POSITIVE[name], values.abs() + 0.1
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_at_kinks(name):
    check(FUNCTIONS[name], KINKS.repeat(3, 1), threads=())


@pytest.mark.parametrize("name", [*FUNCTIONS, *POSITIVE])
def test_infinities_and_nan_are_where_they_are_in_pytorch(name):
    extremes = [0.0, 3e38, math.inf, math.nan, 1e-38, 1e-45, 88.7, 104]
    signs = (1, -1) if name in FUNCTIONS else (1,)
    values = torch.tensor([[sign * value for value in extremes for sign in signs]])
    function = FUNCTIONS.get(name) or POSITIVE[name]
    right = function(values.double()).float()
    torch.testing.assert_close(
        compute(function, values)[0], right, equal_nan=True, rtol=1e-5, atol=1e-7
    )


def ulps(found, right):
    """Return the largest distance in units in the last place of float32."""
    unit = 2.0 ** torch.frexp(right)[1].sub(24).clamp(min=-149).double()
    finite = right.abs() < torch.finfo(torch.float32).max
    return ((found.double() - right).abs() / unit)[finite].max().item()


def gelu(x):
    return 0.5 * x * torch.erfc(-x * 0.5**0.5)


@pytest.mark.parametrize(
    ("function", "reference", "reach", "most"),
    [
        (torch.exp, torch.exp, math.inf, 1),
        (functional.elu, functional.elu, math.inf, 1.5),
        (torch.erf, torch.erf, math.inf, 1.5),
        (torch.expm1, torch.expm1, math.inf, 1.6),
        (torch.log, torch.log, math.inf, 1),
        (torch.log1p, torch.log1p, math.inf, 1.5),
        (torch.sigmoid, torch.sigmoid, math.inf, 2.1),
        (torch.tanh, torch.tanh, math.inf, 1.5),
        (functional.softplus, functional.softplus, math.inf, 2),
        (functional.silu, functional.silu, 80, 2),
        (functional.mish, functional.mish, 80, 4),
        # Where PyTorch, which adds erf to 1, is off by millions.
        (functional.gelu, gelu, 12, 80),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_accuracy_over_all_float32(function, reference, reach, most):
    bits = torch.arange(-(2**31), 2**31, 29_989, dtype=torch.int64).to(torch.int32)
    every = bits.view(torch.float32)
    ordinary = torch.linspace(-10, 10, 50_000)
    values = torch.cat([every[every.abs() < reach], ordinary])
    if function in (torch.log, torch.log1p):
        values = values[values > 0]
    values = values[: len(values) // 16 * 16].view(16, -1)
    assert ulps(compute(function, values)[0], reference(values.double())) <= most


@pytest.mark.parametrize("exponent", [0, 2.3, 5, -4.25])
def test_other_exponents_are_refused(exponent):
    with pytest.raises(KernelError, match=r"exponent .*; only multiples of 1/4 up to 4, not 0"):
        compute(lambda x: x**exponent, normal(1, (3,)))


def test_bounds_from_a_tensor_are_refused():
    with pytest.raises(KernelError, match="its bounds are tensors"):
        compute(lambda x: x.clamp(min=torch.zeros(3)), normal(1, (3,)))


@pytest.mark.parametrize("module", [nn.PReLU(), nn.PReLU(4)], ids=["one slope", "slope a channel"])
@given(batch=BATCHES, side=sizes(1, 6, 2), seed=SEEDS)
@modest
def test_prelu(module, batch, side, seed):
    nn.init.uniform_(module.weight, -0.5, 0.5, generator=torch.Generator().manual_seed(seed))
    check(module, normal(batch, (4, *side), seed=seed))


def test_prelu_of_zero():
    check(nn.PReLU(2), torch.tensor([[[0.0, -1.0], [1.0, 0.0]]]), threads=())


@given(batch=BATCHES, shape=sizes(1, 5, 2), seed=SEEDS)
@modest
def test_glu(batch, shape, seed):
    rows, columns = shape
    check(lambda x: functional.glu(x, dim=1), normal(batch, (2 * rows, columns), seed=seed))


@given(
    names=st.lists(st.sampled_from(["elu", "gelu", "sigmoid", "softsign", "tanh"]), max_size=5),
    rows=st.sampled_from(["softmax", "log_softmax", "layer_norm", "normalize"]),
    batch=BATCHES,
    seed=SEEDS,
)
@modest
def test_values_with_several_uses_keep_what_each_needs(names, rows, batch, seed):
    along = {
        "softmax": lambda x: x.softmax(1),
        "log_softmax": lambda x: x.log_softmax(1),
        "layer_norm": lambda x: functional.layer_norm(x, (3,)),
        "normalize": functional.normalize,
    }[rows]

    def chain(x):
        for name in names:
            before = x
            x = FUNCTIONS[name](x)
            x = along(x) * x + before
        return x

    check(chain, normal(batch, (4, 3), seed=seed), slack=10)
