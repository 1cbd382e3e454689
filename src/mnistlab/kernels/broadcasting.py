"""Broadcasting: how PyTorch aligns the dimensions of two values."""

from collections.abc import Sequence
from dataclasses import replace
from numbers import Real

import torch
from torch import Tensor

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value

Operand = Value | Tensor | Real


def align(
    values: Sequence[Value], kept: int = 0
) -> tuple[list[Value], tuple[int, ...], int | None]:
    """Align values from their last dimension on, or from one of the last.

    Args:
        values: of any shapes.
        kept: so many last dimensions stay as they are.

    Returns:
        The values with as many dimensions each, the shape that the others but ``kept`` have
        together, and the axis of the batch.

    Raises:
        KernelError: the batch is not the same dimension of all.
    """
    rank = max(value.dimensions for value in values)
    axes = {
        value.batch_axis + rank - value.dimensions
        for value in values
        if value.batch_axis is not None
    }
    if len(axes) > 1 or any(axis >= rank - kept for axis in axes):
        raise KernelError("combines the images of a batch with one another")
    axis = axes.pop() if axes else None
    aligned = [_padded(value, rank, axis) for value in values]
    leading = [value.shape[: len(value.shape) - kept] for value in aligned]
    together = tuple(max(sizes) for sizes in zip(*leading, strict=True))
    return aligned, together, axis


def _padded(value: Value, rank: int, axis: int | None) -> Value:
    shape = [1] * (rank - value.dimensions) + list(value.shape)
    if value.batch_axis is None and axis is not None and shape.pop(axis) != 1:
        raise KernelError("combines the images of a batch with one another")
    return replace(value, shape=tuple(shape), batch_axis=None if value.batch_axis is None else axis)


def combine(graph: Graph, operation: str, one: Operand, two: Operand) -> Value:
    """Append an operation on two values, element by element.

    Raises:
        KernelError: the batch is not the same dimension of both.
    """
    given = [_value(graph, one), _value(graph, two)]
    values, shape, axis = align(given)
    # What y.expand_as(x) repeats is repeated by the operation itself.
    fewer = align([_unrepeated(graph, value) for value in given])
    if fewer[1:] == (shape, axis):
        values = fewer[0]
    return graph.append(operation, values, shape, batch_axis=axis)


def affine(graph: Graph, given: Operand, scale: float, shift: float = 0.0) -> Value:
    """Append a value times ``scale`` plus ``shift``."""
    value = _value(graph, given)
    if (scale, shift) == (1, 0):
        return value
    return graph.append("affine", [value], value.shape, floats=[scale, shift])


def _unrepeated(graph: Graph, value: Value) -> Value:
    """Return the value that one repeats along dimensions of size one, or the value itself."""
    node = graph.nodes[value.number - 1] if value.number else None
    if node is None or node.operation != "gather" or node.output.shape != value.shape:
        return value
    source = node.inputs[0]
    repeated = [
        0 if one == 1 else position
        for one, size in zip(source.shape, value.shape, strict=True)
        for position in range(size)
    ]
    if list(node.integers) != repeated:
        return value
    return replace(source, batch_axis=value.batch_axis)


def _value(graph: Graph, given: Operand) -> Value:
    return graph.value(torch.tensor(float(given)) if isinstance(given, Real) else given)
