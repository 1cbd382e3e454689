"""Permutation of dimensions. Moving only the batch needs no operation."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(Tensor.permute, torch.permute)
def permute(graph: Graph, input: Value | Tensor, *given: Any, dims: Sequence[int] = ()) -> Value:
    order = given[0] if len(given) == 1 and not isinstance(given[0], int) else given
    return permuted(graph, graph.value(input), order or dims)


@lowers(
    *(Tensor.transpose, torch.transpose, Tensor.swapaxes, torch.swapaxes),
    *(Tensor.swapdims, torch.swapdims),
)
def transpose(graph: Graph, input: Value | Tensor, dim0: int, dim1: int) -> Value:
    value = graph.value(input)
    order = list(range(value.dimensions))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return permuted(graph, value, order)


@lowers(Tensor.t, torch.t, Tensor.T.__get__)  # type: ignore[attr-defined]
def reverse(graph: Graph, input: Value | Tensor) -> Value:
    value = graph.value(input)
    return permuted(graph, value, range(value.dimensions)[::-1])


@lowers(Tensor.mT.__get__)  # type: ignore[attr-defined]
def transpose_matrices(graph: Graph, input: Value | Tensor) -> Value:
    return transpose(graph, input, -1, -2)


@lowers(Tensor.movedim, torch.movedim, Tensor.moveaxis, torch.moveaxis)
def move(graph: Graph, input: Value | Tensor, source: Any, destination: Any) -> Value:
    value = graph.value(input)
    come = [source] if isinstance(source, int) else source
    go = [destination] if isinstance(destination, int) else destination
    come, go = ([one % value.dimensions for one in given] for given in (come, go))
    rest = iter(place for place in range(value.dimensions) if place not in come)
    now = dict(zip(go, come, strict=True))
    order = [now[place] if place in now else next(rest) for place in range(value.dimensions)]
    return permuted(graph, value, order)


def permuted(graph: Graph, value: Value, order: Sequence[int]) -> Value:
    """Return a value whose dimension ``k`` of PyTorch's tensor is its dimension ``order[k]``."""
    places = [value.place(dimension) for dimension in order]
    axis = places.index(None) if None in places else None
    axes = [place for place in places if place is not None]
    shape = [value.shape[place] for place in axes]
    # Dimensions of size one do not change the order of the numbers.
    if [one for one in axes if value.shape[one] > 1] == sorted(
        one for one in axes if value.shape[one] > 1
    ):
        return replace(value, shape=tuple(shape), batch_axis=axis)
    found = graph.append("permute", [value], shape, integers=axes)
    return replace(found, batch_axis=axis)
