"""Hard sigmoid."""

from torch.nn import functional

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(functional.hardsigmoid)
def hardsigmoid(graph: Graph, input: Value, inplace: bool = False) -> Value:
    return graph.append("hardsigmoid", [input], input.shape)
