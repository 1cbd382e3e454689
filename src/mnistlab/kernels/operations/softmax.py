"""Softmax along an axis."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Node, Value
from mnistlab.kernels.registry import joins, lowers


@lowers(functional.softmax)
def softmax(
    graph: Graph,
    input: Value,
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: torch.dtype | None = None,
) -> Value:
    return graph.append("softmax", [input], input.shape, integers=axis_of(input, dim, dtype))


@lowers(torch.softmax, Tensor.softmax, torch.special.softmax)
def softmax_along(graph: Graph, input: Value, dim: int, dtype: torch.dtype | None = None) -> Value:
    return softmax(graph, input, dim, dtype=dtype)


@lowers(functional.softmin)
def softmin(
    graph: Graph,
    input: Value,
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: torch.dtype | None = None,
) -> Value:
    negative = graph.append("affine", [input], input.shape, floats=[-1, 0])
    return softmax(graph, negative, dim, dtype=dtype)


@joins
def scaled_softmax(before: Node, node: Node) -> Node | None:
    """The scale of attention scores costs nothing within softmax."""
    if (before.operation, node.operation) != ("affine", "softmax") or node.floats:
        return None
    scale, shift = before.floats
    if scale <= 0 or shift != 0:
        return None
    inputs = (replace(before.inputs[0], shape=node.inputs[0].shape),)
    return replace(node, inputs=inputs, floats=(scale,))


def axis_of(input: Value, dim: int | None, dtype: torch.dtype | None = None) -> Sequence[int]:
    """Return the product of the sizes before an axis, its own, and that of those behind it.

    Args:
        input: any value.
        dim: as PyTorch counts; ``None`` is what softmax takes it for.
        dtype: of the result, which must be float32.

    Raises:
        KernelError: the axis is the batch's, or ``dtype`` another.
    """
    if dtype not in (None, torch.float32):
        raise KernelError(f"computes with {dtype}")
    if dim is None:
        dim = 0 if input.dimensions in (0, 1, 3) else 1
    axis = input.axis(dim)
    shape = input.shape
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
