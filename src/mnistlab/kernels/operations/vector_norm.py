"""Euclidean lengths along dimensions."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(torch.linalg.vector_norm)
def vector_norm(
    graph: Graph,
    x: Value,
    ord: float = 2,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
) -> Value:
    if ord != 2 or dtype not in (None, torch.float32):
        raise KernelError("a norm other than the Euclidean one has no native kernel")
    axes = sorted(x.axes(dim))
    first, behind = axes[0], axes[-1] + 1
    if axes != list(range(first, behind)):
        raise KernelError("its dimensions are not neighbours")
    before, within, after = x.shape[:first], x.shape[first:behind], x.shape[behind:]
    kept = (1,) * len(within) if keepdim else ()
    output = graph.append(
        "vector_norm",
        [x],
        before + kept + after,
        integers=[math.prod(before), math.prod(within), math.prod(after)],
    )
    if keepdim or x.batch_axis is None:
        return output
    return replace(output, batch_axis=x.batch_axis - sum(axis < x.batch_axis for axis in axes))
