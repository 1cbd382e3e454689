"""Products of two values, element by element, or of a value and a number."""

from numbers import Real

import torch
from torch import Tensor

from mnistlab.kernels.broadcasting import Operand, affine, combine
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(
    *(Tensor.mul, Tensor.mul_, Tensor.__rmul__, torch.mul),
    *(Tensor.multiply, Tensor.multiply_, torch.multiply),
)
def multiply(graph: Graph, input: Operand, other: Operand) -> Value:
    if isinstance(input, Real):
        return affine(graph, other, float(input))
    if isinstance(other, Real):
        return affine(graph, input, float(other))
    return combine(graph, "multiply", input, other)
