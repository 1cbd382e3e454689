"""GELU, exact or by tanh."""

from torch.nn import functional

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(functional.gelu)
def gelu(graph: Graph, input: Value, *, approximate: str = "none") -> Value:
    return graph.append("gelu", [input], input.shape, integers=[approximate == "tanh"])
