"""Parts of a value along its dimensions."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lower, lowers

_WHOLE = slice(None)


@lowers(Tensor.__getitem__)
def index(graph: Graph, input: Value | Tensor, key: Any) -> Value:
    value = graph.value(input)
    keys = list(key) if isinstance(key, tuple) else [key]
    places = [place for place, one in enumerate(keys) if one is Ellipsis]
    taken = sum(one is not None and one is not Ellipsis for one in keys)
    rest = [_WHOLE] * (value.dimensions - taken)
    if places:
        keys[places[0] : places[0] + 1] = rest
    dimension = 0
    for one in keys:
        if one is None:
            value, dimension = lower(graph, torch.unsqueeze, value, dimension), dimension + 1
        elif isinstance(one, slice):
            value, dimension = sliced(graph, value, dimension, one), dimension + 1
        elif isinstance(one, int) and not isinstance(one, bool):
            value = selected(graph, value, dimension, one)
        else:
            raise KernelError("picks values by a tensor or list of indices")
    return value


@lowers(Tensor.narrow, torch.narrow)
def narrow(graph: Graph, input: Value | Tensor, dim: int, start: int, length: int) -> Value:
    value = graph.value(input)
    if start < 0:
        start += value.shape[value.axis(dim)]
    return sliced(graph, value, dim, slice(start, start + length))


@lowers(Tensor.select, torch.select)
def select(graph: Graph, input: Value | Tensor, dim: int, index: int) -> Value:
    return selected(graph, graph.value(input), dim, index)


@lowers(Tensor.unbind, torch.unbind)
def unbind(graph: Graph, input: Value | Tensor, dim: int = 0) -> list[Value]:
    value = graph.value(input)
    return [selected(graph, value, dim, k) for k in range(value.shape[value.axis(dim)])]


@lowers(Tensor.chunk, torch.chunk)
def chunk(graph: Graph, input: Value | Tensor, chunks: int, dim: int = 0) -> list[Value]:
    value = graph.value(input)
    return split(graph, value, -(-value.shape[value.axis(dim)] // chunks), dim)


@lowers(
    *(Tensor.split, torch.split, torch.functional.split),
    *(Tensor.split_with_sizes, torch.split_with_sizes),
)
def split(
    graph: Graph, input: Value | Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0
) -> list[Value]:
    value, given = graph.value(input), split_size_or_sections
    size = value.shape[value.axis(dim)]
    if isinstance(given, int):
        bounds = [*range(0, size, given), size]
    else:
        bounds = [sum(given[:k]) for k in range(len(given) + 1)]
    return [sliced(graph, value, dim, slice(start, stop)) for start, stop in pairwise(bounds)]


def sliced(graph: Graph, value: Value, dim: int, part: slice) -> Value:
    """Return a part of a value along a dimension of PyTorch's tensor.

    Raises:
        KernelError: it is the batch's, or the part is empty.
    """
    if value.place(dim) is None and part == _WHOLE:
        return value
    axis = value.axis(dim)
    indices = range(value.shape[axis])[part]
    if len(indices) == value.shape[axis]:
        return value
    if not indices:
        raise KernelError("takes an empty part")
    shape = list(value.shape)
    shape[axis] = len(indices)
    return graph.append("slice", [value], shape, integers=[axis, indices.start, indices.step])


def selected(graph: Graph, value: Value, dim: int, index: int) -> Value:
    """Return the values at one index of a dimension of PyTorch's tensor, which vanishes.

    Raises:
        KernelError: it is the batch's.
    """
    axis = value.axis(dim)
    index %= value.shape[axis]
    part = sliced(graph, value, dim, slice(index, index + 1))
    batch_axis = value.batch_axis
    if batch_axis is not None and axis < batch_axis:
        batch_axis -= 1
    shape = value.shape[:axis] + value.shape[axis + 1 :]
    return replace(part, shape=shape, batch_axis=batch_axis)
