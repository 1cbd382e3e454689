"""Group normalisation (Wu and He, 2018)."""

from math import prod

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(functional.group_norm, torch.group_norm)
def group_norm(
    graph: Graph,
    input: Value,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Value:
    if input.batch_axis != 0:
        raise KernelError("its first dimension is not the batch's")
    channels = input.shape[0]
    return graph.append(
        "group_norm",
        [input],
        input.shape,
        integers=[num_groups, channels // num_groups, prod(input.shape[1:])],
        floats=[eps],
        parameters=[weight, bias],
    )
