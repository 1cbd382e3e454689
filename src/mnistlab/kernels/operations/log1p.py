"""Logarithms of one plus a value."""

import torch
from torch import Tensor

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(torch.log1p, torch.log1p_, torch.special.log1p, Tensor.log1p, Tensor.log1p_)
def log1p(graph: Graph, input: Value) -> Value:
    return graph.append("log1p", [input], input.shape)
