"""Values kept within bounds."""

import math

import torch
from torch import Tensor

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers

Bound = float | Value | Tensor | None


@lowers(
    *(torch.clamp, torch.clamp_, torch.clip, torch.clip_),
    *(Tensor.clamp, Tensor.clamp_, Tensor.clip, Tensor.clip_),
)
def clamp(graph: Graph, input: Value, min: Bound = None, max: Bound = None) -> Value:
    floats = [_number(min, -math.inf), _number(max, math.inf)]
    return graph.append("clamp", [input], input.shape, floats=floats)


@lowers(torch.clamp_min, torch.clamp_min_, Tensor.clamp_min, Tensor.clamp_min_)
def clamp_min(graph: Graph, input: Value, min: Bound) -> Value:
    return clamp(graph, input, min)


@lowers(torch.clamp_max, torch.clamp_max_, Tensor.clamp_max, Tensor.clamp_max_)
def clamp_max(graph: Graph, input: Value, max: Bound) -> Value:
    return clamp(graph, input, None, max)


def _number(bound: Bound, otherwise: float) -> float:
    if isinstance(bound, Value | Tensor):
        raise KernelError("its bounds are tensors")
    return otherwise if bound is None else float(bound)
