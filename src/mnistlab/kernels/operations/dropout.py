"""Dropout of single values, or of whole channels."""

import math

import torch
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lowers


@lowers(functional.dropout, torch.dropout, torch.dropout_)
def dropout(
    graph: Graph, input: Value, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Value:
    return _dropout(graph, input, p if training else 0.0, 1)


@lowers(
    *(functional.dropout1d, functional.dropout2d, functional.dropout3d),
    *(torch.feature_dropout, torch.feature_dropout_),
)
def dropout_of_channels(
    graph: Graph, input: Value, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Value:
    if input.batch_axis != 0:
        raise KernelError("expects the batch in front")
    return _dropout(graph, input, p if training else 0.0, math.prod(input.shape[1:]))


def _dropout(graph: Graph, value: Value, share: float, block: int) -> Value:
    if share == 0:
        return value
    if share == 1:
        raise KernelError("drops everything")
    if value.batch_axis is None:
        raise KernelError("drops the same values for all images")
    return graph.append("dropout", [value], value.shape, integers=[block], floats=[share])
