"""ReLU."""

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(
    *(functional.relu, functional.relu_),
    *(torch.relu, Tensor.relu, Tensor.relu_),
)
def relu(graph: Graph, input: Value, inplace: bool = False) -> Value:
    return graph.append("relu", [input], input.shape)
