"""Pooling of 2x2 windows without overlap, and ReLU or gates before it, in one pass."""

from collections.abc import Sequence
from dataclasses import replace

from mnistlab.kernels.graph import Graph, Node, Value
from mnistlab.kernels.registry import joins
from mnistlab.kernels.windows import Window, pooling_windows

NO_POOL, MAX_POOL, AVERAGE_POOL = range(3)  # PoolKind in source/fused.h


def pool_2x2(
    graph: Graph, value: Value, rows: Sequence[Window], columns: Sequence[Window], kind: int
) -> Value | None:
    """Append pooling if its windows are of 2x2 without overlap; else return nothing."""
    height, width = value.shape[1:]
    if min(height, width) < 2 or [*rows, *columns] != [
        *pooling_windows(height, 2, 2, 0),
        *pooling_windows(width, 2, 2, 0),
    ]:
        return None
    shape = (value.shape[0], len(rows), len(columns))
    return graph.append("pool_2x2", [value], shape, integers=[False, kind])


def alone_and_alike(before: Node, node: Node) -> bool:
    """Return whether ``node`` has one input, and sees it in the shape that ``before`` gives it."""
    return len(node.inputs) == 1 and before.output.shape == node.inputs[0].shape


@joins
def pool_with_relu(before: Node, node: Node) -> Node | None:
    """ReLU after maximum pooling gives the same as before it."""
    pair = before.operation, node.operation
    if pair == ("relu", "pool_2x2") and alone_and_alike(before, node):
        inputs = (replace(before.inputs[0], shape=node.inputs[0].shape),)
        return replace(node, inputs=inputs, integers=(1, node.integers[1]))
    if pair == ("pool_2x2", "relu") and before.integers[1] == MAX_POOL:
        output = replace(node.output, shape=before.output.shape)
        return replace(before, integers=(1, MAX_POOL), output=output)
    return None


@joins
def pool_with_gates(before: Node, node: Node) -> Node | None:
    """A product with one factor for each channel."""
    if (before.operation, node.operation) != ("multiply", "pool_2x2"):
        return None
    if not alone_and_alike(before, node):
        return None
    shape = before.output.shape
    for values, gates in (before.inputs, before.inputs[::-1]):
        if values.shape == shape and gates.shape == (shape[0], 1, 1):
            return replace(node, inputs=(values, gates))
    return None
