"""Values in reverse order along dimensions."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(Tensor.flip, torch.flip)
def flip(graph: Graph, input: Value | Tensor, *given: Any, dims: Sequence[int] = ()) -> Value:
    value = graph.value(input)
    listed = given[0] if len(given) == 1 and not isinstance(given[0], int) else given
    axes = {value.axis(dim) for dim in listed or dims}
    return graph.append("flip", [value], value.shape, integers=sorted(axes)) if axes else value
