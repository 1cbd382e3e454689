"""Transposed convolution of images and of sequences."""

import torch
from torch import Tensor

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers
from mnistlab.kernels.windows import Pair, Sizes, as_row, from_row, images, pair, row_pair


@lowers(torch.conv_transpose2d)
def transposed_convolution(
    graph: Graph,
    input: Value,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Value:
    geometry = (pair(weight.shape[2:]), pair(stride), pair(dilation), pair(padding))
    return _append(graph, images(input), weight, bias, (*geometry, pair(output_padding)), groups)


@lowers(torch.conv_transpose1d)
def transposed_convolution_of_sequences(
    graph: Graph,
    input: Value,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Value:
    geometry = (row_pair(weight.shape[2:]), row_pair(stride), row_pair(dilation))
    padded = (row_pair(padding, rows=0), row_pair(output_padding, rows=0))
    return from_row(_append(graph, as_row(input), weight, bias, (*geometry, *padded), groups))


def _append(
    graph: Graph,
    value: Value,
    weight: Tensor,
    bias: Tensor | None,
    geometry: tuple[Pair, Pair, Pair, Pair, Pair],
    groups: int,
) -> Value:
    kernel, stride, dilation, before, more = geometry
    after = (before[0] - more[0], before[1] - more[1])
    sizes = [
        (value.shape[1 + i] - 1) * stride[i]
        + dilation[i] * (kernel[i] - 1)
        + 1
        - before[i]
        - after[i]
        for i in (0, 1)
    ]
    return graph.append(
        "transposed_convolution",
        [value],
        (weight.shape[1] * groups, *sizes),
        integers=[*kernel, *stride, *dilation, *before, *after, groups],
        parameters=[weight, bias],
    )
