"""PyTorch's functions as they are within ExactFunctions: the same up to rounding."""

import math

import pytest
import torch

from mnistlab.training.exact_functions import ExactFunctions

NAMES = ("exp", "log", "sqrt", "rsqrt", "sin", "cos", "tan", "tanh", "erfinv")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_functions_are_pytorchs_to_rounding(name, dtype):
    values = torch.linspace(-2, 6, 1001, dtype=dtype)
    values = values[values > 0] if name in ("log", "sqrt", "rsqrt") else values
    values = values[values.abs() <= 1] if name == "erfinv" else values
    with ExactFunctions():
        found, changed = getattr(values, name)(), values.clone()
        assert getattr(changed, name + "_")() is changed
    assert found.dtype == dtype
    torch.testing.assert_close(found, getattr(values, name)())
    assert torch.equal(found, changed)


@pytest.mark.parametrize("name", NAMES)
def test_limits_are_pytorchs(name):
    limits = torch.tensor([0.0, -1.0, 1.0, 800.0, math.inf, -math.inf, math.nan])
    if name in ("sin", "cos", "tan"):
        limits = limits.nan_to_num(posinf=9, neginf=-9)
    with ExactFunctions():
        found = getattr(limits, name)()
    torch.testing.assert_close(found, getattr(limits, name)(), equal_nan=True)


def test_everything_else_is_left_alone():
    with ExactFunctions():
        assert torch.tensor([4]).sqrt().tolist() == [2]
        assert torch.exp(torch.zeros(2), out=torch.empty(2)).tolist() == [1, 1]
        assert torch.bernoulli(torch.ones(3)).tolist() == [1, 1, 1]
