"""Hard swish."""

from torch.nn import functional

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(functional.hardswish)
def hardswish(graph: Graph, input: Value, inplace: bool = False) -> Value:
    return graph.append("hardswish", [input], input.shape)
