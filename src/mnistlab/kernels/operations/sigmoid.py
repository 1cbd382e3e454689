"""The logistic function."""

import torch
from torch import Tensor

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(
    *(torch.sigmoid, torch.sigmoid_, torch.special.expit),
    *(Tensor.sigmoid, Tensor.sigmoid_),
)
def sigmoid(graph: Graph, input: Value) -> Value:
    return graph.append("sigmoid", [input], input.shape)
