"""Local response normalisation (Krizhevsky et al., 2012), made of pooling across channels."""

import math
from dataclasses import replace

import torch
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.registry import lower, lowers


@lowers(functional.local_response_norm)
def local_response_norm(
    graph: Graph, input: Value, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Value:
    if size % 2 == 0:
        raise KernelError(f"size {size}; only odd ones")
    squares = lower(graph, torch.square, input)
    channels, *positions = input.shape
    image = replace(squares, shape=(1, channels, math.prod(positions)))
    means = lower(graph, functional.avg_pool2d, image, (size, 1), 1, (size // 2, 0))
    shifted = graph.append(
        "affine", [replace(means, shape=input.shape)], input.shape, floats=[alpha, k]
    )
    return lower(graph, torch.mul, input, lower(graph, torch.pow, shifted, -beta))  # type: ignore[no-any-return]
