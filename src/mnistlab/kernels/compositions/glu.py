"""Gated linear units (Dauphin et al., 2017): one half times the logistic function of the other."""

import torch
from torch.nn import functional

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lower, lowers


@lowers(functional.glu)
def glu(graph: Graph, input: Value, dim: int = -1) -> Value:
    value, gate = lower(graph, torch.chunk, input, 2, dim)
    found: Value = lower(graph, torch.mul, value, lower(graph, torch.sigmoid, gate))
    return found
