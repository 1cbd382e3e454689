"""Convolution of images and of sequences."""

import torch
from torch import Tensor

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.registry import lowers
from mnistlab.kernels.windows import Sizes, as_row, flat_pair, from_row, images, pair


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
    kernel, step, gap = tuple(weight.shape[2:]), pair(stride), pair(dilation)
    if padding == "same":
        missing = [gap[axis] * (kernel[axis] - 1) for axis in (0, 1)]
        before = [missing[axis] // 2 for axis in (0, 1)]
        after = [missing[axis] - before[axis] for axis in (0, 1)]
    else:
        before = after = [*pair(0 if isinstance(padding, str) else padding)]
    value = images(input)
    sizes = [
        (value.shape[1 + i] + before[i] + after[i] - gap[i] * (kernel[i] - 1) - 1) // step[i] + 1
        for i in (0, 1)
    ]
    return graph.append(
        "convolution",
        [value],
        (weight.shape[0], *sizes),
        integers=[*kernel, *step, *gap, *before, *after, groups],
        parameters=[weight, bias],
    )


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
    ...
