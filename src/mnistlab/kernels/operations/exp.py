"""Exponentials."""

import torch
from torch import Tensor

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(torch.exp, torch.exp_, Tensor.exp, Tensor.exp_)
def exp(graph: Graph, input: Value) -> Value:
    return graph.append("exp", [input], input.shape)
