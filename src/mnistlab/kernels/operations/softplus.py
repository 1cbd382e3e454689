"""Softplus, and the logarithm of the logistic function, which is one."""

from torch.nn import functional

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(functional.softplus)
def softplus(graph: Graph, input: Value, beta: float = 1.0, threshold: float = 20.0) -> Value:
    return graph.append("softplus", [input], input.shape, floats=[beta, threshold])


@lowers(functional.logsigmoid)
def logsigmoid(graph: Graph, input: Value) -> Value:
    # log(sigmoid(x)) = -softplus(-x), which is softplus of beta = -1.
    return softplus(graph, input, -1.0, float("inf"))
