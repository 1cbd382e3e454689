"""Dropout of single values, or of whole channels."""

import math

import torch
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.operations.registry import lowers


@lowers(functional.dropout, torch.dropout, torch.dropout_)
def dropout(
    graph: Graph,
    input: Value,
    p: float = 0.5,
    training: bool = True,  # noqa: FBT001, FBT002 - PyTorch's signature
    inplace: bool = False,  # noqa: FBT001, FBT002
) -> Value:
    return _append(graph, input, p, 1, active=training)


@lowers(
    functional.dropout1d,
    functional.dropout2d,
    functional.dropout3d,
    torch.feature_dropout,
    torch.feature_dropout_,
)
def dropout_of_channels(
    graph: Graph,
    input: Value,
    p: float = 0.5,
    training: bool = True,  # noqa: FBT001, FBT002
    inplace: bool = False,  # noqa: FBT001, FBT002
) -> Value:
    return _append(graph, input, p, math.prod(input.shape[1:]), active=training)


def _append(graph: Graph, value: Value, share: float, neighbours: int, *, active: bool) -> Value:
    if not active or share == 0:
        return value
    if share == 1:
        raise KernelError("drops everything")
    if value.batch_axis != 0:
        raise KernelError("drops the same values of all images")
    return graph.append("dropout", [value], value.shape, integers=[neighbours], floats=[share])
