"""Quotients of two values, element by element, or of a value and a number."""

from numbers import Real

import torch
from torch import Tensor

from mnistlab.errors import KernelError
from mnistlab.kernels.broadcasting import Operand, affine, combine
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lower, lowers


@lowers(
    *(Tensor.div, Tensor.div_, torch.div, Tensor.divide, Tensor.divide_, torch.divide),
    *(Tensor.true_divide, Tensor.true_divide_, torch.true_divide),
)
def divide(
    graph: Graph, input: Operand, other: Operand, *, rounding_mode: str | None = None
) -> Value:
    if rounding_mode is not None:
        raise KernelError("rounding_mode has no native kernel")
    if isinstance(input, Real):
        inverse = lower(graph, torch.reciprocal, other)
        return affine(graph, inverse, float(input))
    if isinstance(other, Real) and other:
        return affine(graph, input, 1 / float(other))
    if isinstance(other, Real):
        raise KernelError("divides by zero")
    return combine(graph, "divide", input, other)
