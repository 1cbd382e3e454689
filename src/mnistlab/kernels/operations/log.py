"""Natural logarithms."""

import torch
from torch import Tensor

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(torch.log, torch.log_, Tensor.log, Tensor.log_)
def log(graph: Graph, input: Value) -> Value:
    return graph.append("log", [input], input.shape)
