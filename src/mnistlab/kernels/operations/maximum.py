"""The larger of two values, element by element."""

import torch
from torch import Tensor

from mnistlab.kernels.broadcasting import combine
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(Tensor.maximum, torch.maximum)
def maximum(graph: Graph, input: Value | Tensor, other: Value | Tensor) -> Value:
    return combine(graph, "maximum", input, other)
