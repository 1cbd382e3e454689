"""Absolute values."""

import torch
from torch import Tensor

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(
    *(torch.abs, torch.abs_, torch.absolute),
    *(Tensor.abs, Tensor.abs_, Tensor.absolute, Tensor.absolute_),
)
def abs_(graph: Graph, input: Value) -> Value:
    return graph.append("abs", [input], input.shape)
