"""Reductions: some dimensions of a value become one number."""

from collections.abc import Sequence
from dataclasses import replace

from mnistlab.kernels.graph import Graph, Value

Axes = int | Sequence[int] | None


def reduce(
    graph: Graph,
    operation: str,
    value: Value,
    dim: Axes,
    *,
    keepdim: bool,
    integers: Sequence[int] = (),
) -> Value:
    """Append an operation over some dimensions of PyTorch's tensor.

    Args:
        graph: to append to.
        operation: whose integers are ``integers``, then the axes that vanish.
        value: its input.
        dim: ``None`` is all of them.
        keepdim: whether they stay, of size one.
        integers: as above.

    Raises:
        KernelError: the batch is among them.
    """
    axes = value.axes(dim)
    shape = [
        1 if axis in axes else size
        for axis, size in enumerate(value.shape)
        if keepdim or axis not in axes
    ]
    found = graph.append(operation, [value], shape, integers=[*integers, *sorted(axes)])
    if keepdim or value.batch_axis is None:
        return found
    before = sum(axis < value.batch_axis for axis in axes)
    return replace(found, batch_axis=value.batch_axis - before)
