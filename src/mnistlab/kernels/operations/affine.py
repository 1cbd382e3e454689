"""A multiple of a value plus a number."""

import torch
from torch import Tensor

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(
    *(torch.neg, torch.neg_, torch.negative, torch.negative_),
    *(Tensor.neg, Tensor.neg_, Tensor.negative, Tensor.negative_),
)
def negative(graph: Graph, input: Value) -> Value:
    return graph.append("affine", [input], input.shape, floats=[-1, 0])
