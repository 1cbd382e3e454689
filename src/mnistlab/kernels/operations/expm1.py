"""Exponentials minus one."""

import torch
from torch import Tensor

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(torch.expm1, torch.expm1_, torch.special.expm1, Tensor.expm1, Tensor.expm1_)
def expm1(graph: Graph, input: Value) -> Value:
    return graph.append("expm1", [input], input.shape)
