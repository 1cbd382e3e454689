"""Values in reverse order along dimensions."""

from typing import Any

import torch
from torch import Tensor

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.registry import lowers


@lowers(Tensor.flip, torch.flip)
def flip(graph: Graph, input: Value | Tensor, *dims: Any) -> Value:
    value = graph.value(input)
    given = dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims
    axes = {value.axis(dim) for dim in given}
    return graph.append("flip", [value], value.shape, integers=sorted(axes)) if axes else value
