"""SiLU, also called Swish."""

from torch.nn import functional

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(functional.silu)
def silu(graph: Graph, input: Value, inplace: bool = False) -> Value:
    return graph.append("silu", [input], input.shape)
