"""ELU, and SELU and CELU, which differ from it in their factors."""

import torch
from torch.nn import functional

from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805
"""Of Klambauer et al. (2017)."""


@lowers(functional.elu, functional.elu_)
def elu(graph: Graph, input: Value, alpha: float = 1.0, inplace: bool = False) -> Value:
    return graph.append("elu", [input], input.shape, floats=[alpha, 1, 1])


@lowers(functional.selu, torch.selu, torch.selu_)
def selu(graph: Graph, input: Value, inplace: bool = False) -> Value:
    factors = [_SELU_ALPHA * _SELU_SCALE, _SELU_SCALE, 1]
    return graph.append("elu", [input], input.shape, floats=factors)


@lowers(functional.celu, torch.celu, torch.celu_)
def celu(graph: Graph, input: Value, alpha: float = 1.0, inplace: bool = False) -> Value:
    return graph.append("elu", [input], input.shape, floats=[alpha, 1, 1 / alpha])
