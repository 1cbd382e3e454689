"""Means and variances over dimensions."""

import math
from typing import Any

import torch
from torch import Tensor

from mnistlab.errors import KernelError
from mnistlab.kernels.broadcasting import affine, combine
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.reduction import Axes, reduce
from mnistlab.kernels.registry import lower, lowers


@lowers(Tensor.mean, torch.mean)
def mean(
    graph: Graph,
    input: Value | Tensor,
    dim: Axes = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
) -> Value:
    if dtype not in (None, torch.float32):
        raise KernelError("dtype has no native kernel")
    return reduce(graph, "mean", graph.value(input), dim, keepdim=keepdim)


@lowers(Tensor.var, torch.var)
def variance(
    graph: Graph,
    input: Value | Tensor,
    dim: Axes | bool = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Value:
    return _variance(graph, graph.value(input), dim, unbiased, keepdim, correction)[0]


@lowers(Tensor.std, torch.std)
def deviation(graph: Graph, *args: Any, **kwargs: Any) -> Value:
    found: Value = lower(graph, torch.sqrt, lower(graph, torch.var, *args, **kwargs))
    return found


@lowers(torch.var_mean)
def variance_and_mean(
    graph: Graph,
    input: Value | Tensor,
    dim: Axes | bool = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> list[Value]:
    return _variance(graph, graph.value(input), dim, unbiased, keepdim, correction)


def _variance(
    graph: Graph,
    value: Value,
    dim: Axes | bool,
    unbiased: bool,
    keepdim: bool,
    correction: float | None,
) -> list[Value]:
    if isinstance(dim, bool):
        unbiased = dim
        dim = None
    lost = float(unbiased) if correction is None else correction
    count = math.prod(value.shape[axis] for axis in value.axes(dim))
    if count <= lost:
        raise KernelError("takes the variance of too few numbers")
    centre = reduce(graph, "mean", value, dim, keepdim=True)
    rest = combine(graph, "subtract", value, centre)
    squares = combine(graph, "multiply", rest, rest)
    found = affine(
        graph, reduce(graph, "mean", squares, dim, keepdim=keepdim), count / (count - lost)
    )
    return [found, centre if keepdim else reduce(graph, "mean", value, dim, keepdim=False)]
