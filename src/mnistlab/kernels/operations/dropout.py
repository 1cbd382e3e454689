"""Dropout."""

import torch
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.registry import lowers


@lowers(functional.dropout, torch.dropout, torch.dropout_)
def dropout(
    graph: Graph,
    input: Value,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
) -> Value:
    if not training or p == 0:
        return input
    if p == 1:
        raise KernelError("drops everything")
    return graph.append("dropout", [input], input.shape, floats=[p])
