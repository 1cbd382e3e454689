"""Convolution of images and of sequences."""

import torch
from torch import Tensor

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers
from mnistlab.kernels.windows import Pair, Sizes, as_row, from_row, images, pair, row_pair


@lowers(torch.conv2d)
def convolution(
    graph: Graph,
    input: Value,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Value:
    geometry = (pair(weight.shape[2:]), pair(stride), pair(dilation))
    if isinstance(padding, str):
        before, after = _named_padding(padding, *geometry)
    else:
        before = after = pair(padding)
    return _append(graph, images(input), weight, bias, (*geometry, before, after), groups)


@lowers(torch.conv1d)
def convolution_of_sequences(
    graph: Graph,
    input: Value,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Value:
    geometry = (row_pair(weight.shape[2:]), row_pair(stride), row_pair(dilation))
    if isinstance(padding, str):
        before, after = _named_padding(padding, *geometry)
    else:
        before = after = row_pair(padding, rows=0)
    return from_row(_append(graph, as_row(input), weight, bias, (*geometry, before, after), groups))


def _named_padding(name: str, kernel: Pair, stride: Pair, dilation: Pair) -> tuple[Pair, Pair]:
    """Return the padding before and after rows and columns that is named ``same`` or ``valid``."""
    if name == "valid":
        return (0, 0), (0, 0)
    rows, columns = (gap * (size - 1) for gap, size in zip(dilation, kernel, strict=True))
    before = rows // 2, columns // 2
    return before, (rows - before[0], columns - before[1])


def _append(
    graph: Graph,
    value: Value,
    weight: Tensor,
    bias: Tensor | None,
    geometry: tuple[Pair, Pair, Pair, Pair, Pair],
    groups: int,
) -> Value:
    sizes = [
        (size + before + after - gap * (kernel - 1) - 1) // step + 1
        for size, kernel, step, gap, before, after in zip(value.shape[1:], *geometry, strict=True)
    ]
    return graph.append(
        "depthwise_convolution" if 1 < groups == value.shape[0] else "convolution",
        [value],
        (weight.shape[0], *sizes),
        integers=[*(number for pair in geometry for number in pair), groups],
        parameters=[weight, bias],
    )
