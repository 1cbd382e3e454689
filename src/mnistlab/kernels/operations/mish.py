"""Mish."""

from torch.nn import functional

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(functional.mish)
def mish(graph: Graph, input: Value, inplace: bool = False) -> Value:
    return graph.append("mish", [input], input.shape)
