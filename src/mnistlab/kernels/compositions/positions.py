"""Values at other positions of a dimension, which are known beforehand."""

import torch
from torch import Tensor

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.gather import gathered
from mnistlab.kernels.registry import lowers


@lowers(Tensor.index_select, torch.index_select)
def index_select(graph: Graph, input: Value | Tensor, dim: int, index: Value | Tensor) -> Value:
    if isinstance(index, Value):
        raise KernelError("looks up positions that depend on the images")
    value = graph.value(input)
    return gathered(graph, value, {value.axis(dim): index.flatten().tolist()})


@lowers(Tensor.repeat_interleave, torch.repeat_interleave)
def repeat_interleave(
    graph: Graph, input: Value | Tensor, repeats: int | Tensor, dim: int | None = None
) -> Value:
    if not isinstance(repeats, int) or dim is None:
        raise KernelError("repeats values a different number of times")
    value = graph.value(input)
    axis = value.axis(dim)
    positions = [position for position in range(value.shape[axis]) for _ in range(repeats)]
    return gathered(graph, value, {axis: positions})
