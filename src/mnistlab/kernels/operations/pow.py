"""Powers with fixed exponents, square roots and reciprocals."""

import torch
from torch import Tensor

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers

_LARGEST = 4
"""Magnitude of exponents: beyond, products lose more digits than PyTorch's method."""


@lowers(torch.pow, Tensor.pow, Tensor.pow_)
def power(graph: Graph, input: Value | float, exponent: Value | Tensor | float) -> Value:
    if not isinstance(input, Value) or isinstance(exponent, Value | Tensor):
        raise KernelError("its exponent is not a fixed number")
    if exponent == 0 or abs(exponent) > _LARGEST or 4 * exponent % 1:
        raise KernelError(f"exponent {exponent}; only multiples of 1/4 up to {_LARGEST}, not 0")
    return graph.append("pow", [input], input.shape, floats=[exponent])


@lowers(torch.sqrt, torch.sqrt_, Tensor.sqrt, Tensor.sqrt_)
def sqrt(graph: Graph, input: Value) -> Value:
    return power(graph, input, 0.5)


@lowers(torch.rsqrt, torch.rsqrt_, Tensor.rsqrt, Tensor.rsqrt_)
def rsqrt(graph: Graph, input: Value) -> Value:
    return power(graph, input, -0.5)


@lowers(torch.square, torch.square_, Tensor.square, Tensor.square_)
def square(graph: Graph, input: Value) -> Value:
    return power(graph, input, 2)


@lowers(torch.reciprocal, torch.reciprocal_, Tensor.reciprocal, Tensor.reciprocal_)
def reciprocal(graph: Graph, input: Value) -> Value:
    return power(graph, input, -1)
