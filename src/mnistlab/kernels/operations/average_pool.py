"""The mean of windows, of any size or adaptive, in images and in sequences."""

import torch
from torch.nn import functional

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.pool_2x2 import AVERAGE_POOL, pool_2x2
from mnistlab.kernels.reduction import reduce
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


@lowers(functional.avg_pool2d)
def average_pool(
    graph: Graph,
    input: Value,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Value:
    value = images(input)
    geometry = (pair(kernel_size), pair(stride or kernel_size), pair(padding))
    windows = _windows(value, geometry, round_up=ceil_mode, count_padding=count_include_pad)
    return _append(graph, value, windows, divisor_override)


@lowers(torch.avg_pool1d)
def average_pool_of_sequences(
    graph: Graph,
    input: Value,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Value:
    value = as_row(input)
    sizes = (row_pair(kernel_size), row_pair(stride or kernel_size))
    geometry = (*sizes, row_pair(padding, rows=0))
    windows = _windows(value, geometry, round_up=ceil_mode, count_padding=count_include_pad)
    return from_row(_append(graph, value, windows))


@lowers(functional.adaptive_avg_pool2d)
def adaptive_average_pool(
    graph: Graph, input: Value, output_size: int | tuple[int | None, ...]
) -> Value:
    value = images(input)
    sizes = (output_size, output_size) if isinstance(output_size, int) else output_size
    if tuple(sizes) == (1, 1):
        return reduce(graph, "mean", value, (-2, -1), keepdim=True)
    rows, columns = (adaptive_windows(*one) for one in zip(value.shape[1:], sizes, strict=True))
    return _append(graph, value, (rows, columns))


@lowers(torch.adaptive_avg_pool1d)
def adaptive_average_pool_of_sequences(
    graph: Graph, input: Value, output_size: int | tuple[int | None, ...]
) -> Value:
    size = output_size if isinstance(output_size, int) else output_size[0]
    return from_row(adaptive_average_pool(graph, as_row(input), (1, size)))


def _windows(
    value: Value, geometry: tuple[Pair, Pair, Pair], *, round_up: bool, count_padding: bool
) -> tuple[list[Window], list[Window]]:
    rows, columns = (
        pooling_windows(*numbers, round_up=round_up, count_padding=count_padding)
        for numbers in zip(value.shape[1:], *geometry, strict=True)
    )
    return rows, columns


def _append(
    graph: Graph,
    value: Value,
    windows: tuple[list[Window], list[Window]],
    divisor: int | None = None,
) -> Value:
    rows, columns = windows
    if divisor is None and (pooled := pool_2x2(graph, value, rows, columns, AVERAGE_POOL)):
        return pooled
    return graph.append(
        "average_pool",
        [value],
        (value.shape[0], len(rows), len(columns)),
        integers=window_integers(rows, columns),
        floats=[] if divisor is None else [divisor],
    )
