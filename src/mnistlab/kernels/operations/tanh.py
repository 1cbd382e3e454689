"""The hyperbolic tangent."""

import torch
from torch import Tensor

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(torch.tanh, torch.tanh_, Tensor.tanh, Tensor.tanh_)
def tanh(graph: Graph, input: Value) -> Value:
    return graph.append("tanh", [input], input.shape)
