"""Sums of two values, or of a value and a number."""

from numbers import Real

import torch
from torch import Tensor

from mnistlab.kernels.broadcasting import Operand, affine, combine
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(Tensor.add, Tensor.add_, Tensor.__radd__, torch.add)
def add(graph: Graph, input: Operand, other: Operand, *, alpha: float = 1) -> Value:
    if isinstance(input, Real):
        return affine(graph, other, alpha, float(input))
    if isinstance(other, Real):
        return affine(graph, input, 1, alpha * float(other))
    return combine(graph, "add", input, affine(graph, other, alpha))
