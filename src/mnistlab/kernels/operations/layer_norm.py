"""Layer normalisation (Ba et al., 2016)."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(functional.layer_norm)
def layer_norm(
    graph: Graph,
    input: Value,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Value:
    return graph.append(
        "layer_norm",
        [input],
        input.shape,
        integers=blocks_of(input, normalized_shape),
        floats=[eps],
        parameters=[weight, bias],
    )


@lowers(torch.layer_norm)
def layer_norm_with_choice(
    graph: Graph,
    input: Value,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Value:
    return layer_norm(graph, input, normalized_shape, weight, bias, eps)


def blocks_of(input: Value, normalized_shape: Sequence[int]) -> Sequence[int]:
    """Return the blocks of values that are normalised together, as ``block_norm.h`` counts them.

    Raises:
        KernelError: the batch is among the normalised dimensions.
    """
    for dimension in range(-len(normalized_shape), 0):
        input.axis(dimension)
    size = prod(normalized_shape)
    return prod(input.shape) // size, size, 1
