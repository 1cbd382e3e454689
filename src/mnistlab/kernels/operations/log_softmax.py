"""The logarithm of softmax along an axis."""

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.softmax import axis_of
from mnistlab.kernels.registry import lowers


@lowers(functional.log_softmax)
def log_softmax(
    graph: Graph,
    input: Value,
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: torch.dtype | None = None,
) -> Value:
    return graph.append("log_softmax", [input], input.shape, integers=axis_of(input, dim, dtype))


@lowers(torch.log_softmax, Tensor.log_softmax, torch.special.log_softmax)
def log_softmax_along(
    graph: Graph, input: Value, dim: int, dtype: torch.dtype | None = None
) -> Value:
    return log_softmax(graph, input, dim, dtype=dtype)
