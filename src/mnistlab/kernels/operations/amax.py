"""The largest and the smallest number along dimensions."""

import torch
from torch import Tensor

from mnistlab.errors import KernelError
from mnistlab.kernels.broadcasting import affine, combine
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.reduction import Axes, reduce
from mnistlab.kernels.registry import lowers

_SHARED, _FIRST = 0, 1
"""Which of several largest numbers get the gradient."""


@lowers(Tensor.amax, torch.amax)
def amax(
    graph: Graph,
    input: Value | Tensor,
    dim: Axes = (),
    keepdim: bool = False,
) -> Value:
    return reduce(graph, "amax", graph.value(input), dim, keepdim=keepdim, integers=[_SHARED])


@lowers(Tensor.amin, torch.amin)
def amin(
    graph: Graph,
    input: Value | Tensor,
    dim: Axes = (),
    keepdim: bool = False,
) -> Value:
    return affine(graph, amax(graph, affine(graph, input, -1), dim, keepdim), -1)


@lowers(Tensor.max, torch.max)
def largest(
    graph: Graph,
    input: Value | Tensor,
    dim: int | Value | Tensor | None = None,
    keepdim: bool = False,
    *,
    other: Value | Tensor | None = None,
) -> Value | list[Value | None]:
    second = dim if isinstance(dim, Value | Tensor) else other
    if second is not None:
        return combine(graph, "maximum", input, second)
    if not isinstance(dim, int):
        raise KernelError("works across the images of a batch")
    # Indices have no native kernel.
    return [_first(graph, graph.value(input), dim, keepdim=keepdim), None]


@lowers(Tensor.min, torch.min)
def smallest(
    graph: Graph,
    input: Value | Tensor,
    dim: int | Value | Tensor | None = None,
    keepdim: bool = False,
    *,
    other: Value | Tensor | None = None,
) -> Value | list[Value | None]:
    second = dim if isinstance(dim, Value | Tensor) else other
    if second is not None:
        return combine(graph, "minimum", input, second)
    if not isinstance(dim, int):
        raise KernelError("works across the images of a batch")
    return [affine(graph, _first(graph, affine(graph, input, -1), dim, keepdim=keepdim), -1), None]


def _first(graph: Graph, value: Value, dim: int, *, keepdim: bool) -> Value:
    return reduce(graph, "amax", value, dim, keepdim=keepdim, integers=[_FIRST])
