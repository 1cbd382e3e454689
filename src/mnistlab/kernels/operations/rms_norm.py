"""Root mean square normalisation (Zhang and Sennrich, 2019)."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.layer_norm import blocks_of
from mnistlab.kernels.registry import lowers


@lowers(functional.rms_norm, torch.rms_norm)
def rms_norm(
    graph: Graph,
    input: Value,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Value:
    return graph.append(
        "rms_norm",
        [input],
        input.shape,
        integers=blocks_of(input, normalized_shape),
        floats=[torch.finfo(torch.float32).eps if eps is None else eps],
        parameters=[weight, None],
    )
