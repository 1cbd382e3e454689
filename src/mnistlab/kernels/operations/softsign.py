"""Softsign."""

from torch.nn import functional

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(functional.softsign)
def softsign(graph: Graph, input: Value) -> Value:
    return graph.append("softsign", [input], input.shape)
