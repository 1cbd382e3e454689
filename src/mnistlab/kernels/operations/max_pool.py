"""The largest value of windows, of any size or adaptive, in images and in sequences."""

from typing import Literal

import torch
from torch.nn import functional

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.pool_2x2 import MAX_POOL, pool_2x2
from mnistlab.kernels.registry import lowers
from mnistlab.kernels.windows import (
    Pair,
    Sizes,
    Window,
    adaptive_windows,
    as_row,
    from_row,
    images,
    pair,
    pooling_windows,
    row_pair,
    window_integers,
)


@lowers(functional.max_pool2d, torch.max_pool2d)
def max_pool(
    graph: Graph,
    input: Value,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> Value:
    geometry = (pair(kernel_size), pair(stride or kernel_size), pair(padding), pair(dilation))
    return _append(graph, images(input), geometry, round_up=ceil_mode)


@lowers(functional.max_pool1d, torch.max_pool1d)
def max_pool_of_sequences(
    graph: Graph,
    input: Value,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> Value:
    sizes = (row_pair(kernel_size), row_pair(stride or kernel_size))
    geometry = (*sizes, row_pair(padding, rows=0), row_pair(dilation))
    return from_row(_append(graph, as_row(input), geometry, round_up=ceil_mode))


@lowers(functional.adaptive_max_pool2d)
def adaptive_max_pool(
    graph: Graph,
    input: Value,
    output_size: int | tuple[int | None, ...],
    return_indices: Literal[False] = False,
) -> Value:
    value = images(input)
    sizes = (output_size, output_size) if isinstance(output_size, int) else output_size
    windows = [adaptive_windows(*one) for one in zip(value.shape[1:], sizes, strict=True)]
    return _append_windows(graph, value, windows[0], windows[1], (1, 1))


@lowers(functional.adaptive_max_pool1d)
def adaptive_max_pool_of_sequences(
    graph: Graph,
    input: Value,
    output_size: int | tuple[int | None, ...],
    return_indices: Literal[False] = False,
) -> Value:
    size = output_size if isinstance(output_size, int) else output_size[0]
    return from_row(adaptive_max_pool(graph, as_row(input), (1, size)))


def _append(
    graph: Graph, value: Value, geometry: tuple[Pair, Pair, Pair, Pair], *, round_up: bool
) -> Value:
    rows, columns = (
        pooling_windows(*numbers, round_up=round_up)
        for numbers in zip(value.shape[1:], *geometry, strict=True)
    )
    return _append_windows(graph, value, rows, columns, geometry[3])


def _append_windows(
    graph: Graph, value: Value, rows: list[Window], columns: list[Window], steps: Pair
) -> Value:
    if steps == (1, 1) and (pooled := pool_2x2(graph, value, rows, columns, MAX_POOL)):
        return pooled
    return graph.append(
        "max_pool",
        [value],
        (value.shape[0], len(rows), len(columns)),
        integers=window_integers(rows, columns, steps),
    )
