"""Leaky ReLU."""

from torch.nn import functional

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(functional.leaky_relu, functional.leaky_relu_)
def leaky_relu(
    graph: Graph, input: Value, negative_slope: float = 0.01, inplace: bool = False
) -> Value:
    return graph.append("leaky_relu", [input], input.shape, floats=[negative_slope])
