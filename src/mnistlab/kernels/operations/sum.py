"""Sums over dimensions."""

import torch
from torch import Tensor

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.reduction import Axes, reduce
from mnistlab.kernels.registry import lowers


@lowers(Tensor.sum, torch.sum)
def sum(  # noqa: A001 - the operation's name
    graph: Graph,
    input: Value | Tensor,
    dim: Axes = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
) -> Value:
    if dtype not in (None, torch.float32):
        raise KernelError("dtype has no native kernel")
    return reduce(graph, "sum", graph.value(input), dim, keepdim=keepdim)
