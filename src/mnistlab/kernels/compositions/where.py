"""One of two values, element by element, where a mask that is known beforehand says which."""

import torch
from torch import Tensor

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lower, lowers


@lowers(torch.where, Tensor.where)
def where(
    graph: Graph,
    condition: Value | Tensor,
    input: Value | Tensor | float,
    other: Value | Tensor | float,
) -> Value:
    if not isinstance(condition, Tensor) or condition.dtype != torch.bool:
        raise KernelError("chooses by values that are computed")
    parts = [_only(graph, condition, input), _only(graph, ~condition, other)]
    return graph.value(lower(graph, torch.add, *parts))


@lowers(Tensor.masked_fill, torch.masked_fill, Tensor.masked_fill_)
def masked_fill(
    graph: Graph, input: Value | Tensor, mask: Value | Tensor, value: float | Tensor
) -> Value:
    return where(graph, mask, value, input)


def _only(graph: Graph, mask: Tensor, given: Value | Tensor | float) -> Value | Tensor:
    """Return a value where a mask is true, and zero elsewhere."""
    if isinstance(given, Value | torch.nn.Parameter):
        return graph.value(lower(graph, torch.mul, given, mask.float()))
    # Not a product: infinity times zero is no number.
    given = given if isinstance(given, Tensor) else torch.tensor(float(given))
    return torch.where(mask, given, torch.zeros(()))
