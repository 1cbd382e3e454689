"""Hard tanh, and ReLU6, which is one."""

from torch.nn import functional

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(functional.hardtanh, functional.hardtanh_)
def hardtanh(
    graph: Graph, input: Value, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Value:
    return graph.append("hardtanh", [input], input.shape, floats=[min_val, max_val])


@lowers(functional.relu6)
def relu6(graph: Graph, input: Value, inplace: bool = False) -> Value:
    return hardtanh(graph, input, 0.0, 6.0)
