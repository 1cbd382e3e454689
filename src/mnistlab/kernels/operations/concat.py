"""Values one behind the other along a dimension."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.slice import sliced
from mnistlab.kernels.registry import lower, lowers

Given = Sequence[Value | Tensor]


@lowers(torch.cat, torch.concat, torch.concatenate)
def concat(graph: Graph, tensors: Given, dim: int = 0) -> Value:
    values = [graph.value(one) for one in tensors]
    if len({value.batch_axis for value in values}) > 1:
        raise KernelError("combines the images of a batch with one another")
    if len({value.dimensions for value in values}) > 1:
        raise KernelError("joins values of different dimensions")
    axis = values[0].axis(dim)
    if len(values) == 1:
        return values[0]
    shape = list(values[0].shape)
    shape[axis] = sum(value.shape[axis] for value in values)
    return graph.append("concat", values, shape, integers=[axis])


@lowers(torch.hstack, torch.column_stack)
def hstack(graph: Graph, tensors: Given) -> Value:
    return concat(graph, tensors, 1)


@lowers(torch.stack)
def stack(graph: Graph, tensors: Given, dim: int = 0) -> Value:
    values = [graph.value(one) for one in tensors]
    dim %= values[0].dimensions + 1
    return concat(graph, [lower(graph, torch.unsqueeze, value, dim) for value in values], dim)


@lowers(Tensor.roll, torch.roll)
def roll(
    graph: Graph,
    input: Value | Tensor,
    shifts: int | Sequence[int],
    dims: int | Sequence[int] | None = None,
) -> Value:
    value = graph.value(input)
    if dims is None or dims == ():
        raise KernelError("rolls all dimensions as one")
    pairs = zip(
        [shifts] if isinstance(shifts, int) else shifts,
        [dims] if isinstance(dims, int) else dims,
        strict=True,
    )
    for shift, dim in pairs:
        size = value.shape[value.axis(dim)]
        if first := -shift % size:
            parts = [sliced(graph, value, dim, slice(first, size))]
            parts.append(sliced(graph, value, dim, slice(first)))
            value = concat(graph, parts, dim)
    return value
