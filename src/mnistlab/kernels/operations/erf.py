"""The error function."""

import torch
from torch import Tensor

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(torch.erf, torch.erf_, torch.special.erf, Tensor.erf, Tensor.erf_)
def erf(graph: Graph, input: Value) -> Value:
    return graph.append("erf", [input], input.shape)
