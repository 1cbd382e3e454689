"""Local response normalisation, by the squares of neighbouring channels."""

from dataclasses import replace

import torch
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.broadcasting import affine
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lower, lowers


@lowers(functional.local_response_norm)
def local_response_norm(
    graph: Graph,
    input: Value,
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
) -> Value:
    if input.batch_axis != 0 or len(input.shape) < 2:
        raise KernelError("expects a batch of images")
    channels, *rest = input.shape
    positions = torch.Size(rest).numel()
    # The channels as the rows of an image with one channel of its own.
    image = replace(input, shape=(1, channels, positions))
    squares = lower(graph, torch.mul, image, image)
    padded = lower(graph, functional.pad, squares, (0, 0, size // 2, (size - 1) // 2))
    means = lower(graph, functional.avg_pool2d, padded, (size, 1), 1)
    divisor = lower(graph, torch.pow, affine(graph, means, alpha, k), beta)
    found: Value = lower(graph, torch.div, image, divisor)
    return replace(found, shape=input.shape)
