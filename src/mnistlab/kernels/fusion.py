"""Fusion: operations that follow one another become one.

These are batch norm, ReLU and 2x2 pooling; a sum and ReLU; the scale of attention scores and softmax.
"""

from collections import Counter
from dataclasses import replace

from mnistlab.kernels.graph import Graph, Node
from mnistlab.kernels.windows import pooling_windows, window_integers

_NO_POOL, _MAX_POOL, _AVERAGE_POOL = range(3)  # PoolKind in source/fused.h
_POOLS = {"max_pool": _MAX_POOL, "average_pool": _AVERAGE_POOL}


def fuse(graph: Graph) -> Graph:
    """Return the graph with fewer operations, which compute the same."""
    uses = Counter(value.number for node in graph.nodes for value in node.inputs)
    uses.update(value.number for value in graph.outputs)
    fused: dict[int, Node] = {}  # by the number of its output
    for node in map(_small_pool, graph.nodes):
        before = fused.get(node.inputs[0].number) if node.inputs else None
        both = before and uses[before.output.number] == 1 and _join(before, node)
        if before and both:
            del fused[before.output.number]
            node = both
        fused[node.output.number] = node
    return graph.with_nodes(sorted(fused.values(), key=lambda node: node.output.number))


def _small_pool(node: Node) -> Node:
    """Return pooling of 2x2 windows without overlap as the operation that is made for it."""
    if node.operation not in _POOLS or node.floats:
        return node
    rows, columns = (
        pooling_windows(size, 2, 2, 0) if size > 1 else [] for size in node.inputs[0].shape[1:]
    )
    if node.integers != tuple(window_integers(rows, columns)):
        return node
    return replace(node, operation="pool_2x2", integers=(0, _POOLS[node.operation]))


def _join(before: Node, node: Node) -> Node | None:
    """Return one operation in place of two, or nothing."""
    pair = before.operation, node.operation
    if pair == ("add", "relu"):
        output = replace(node.output, shape=before.output.shape)
        return replace(before, operation="add_relu", output=output)
    if pair == ("affine", "softmax") and before.floats[0] > 0 and before.floats[1] == 0:
        scaled = replace(before.inputs[0], shape=node.inputs[0].shape)
        return replace(node, inputs=(scaled,), floats=before.floats[:1])
    return _join_norm(before, node)


def _join_norm(before: Node, node: Node) -> Node | None:
    """Return one operation in place of two of batch norm, ReLU and pooling, in this order.

    ReLU after max-pooling gives the same as before it.
    """
    first, second = _steps(before), _steps(node)
    if first is None or second is None or node.operation == "batch_norm":
        return None
    (relu, pool), (more_relu, more_pool) = first, second
    if more_pool and (pool or before.output.shape != node.inputs[0].shape):
        return None
    if not more_pool and pool == _AVERAGE_POOL:
        return None
    integers = (max(relu, more_relu), pool or more_pool)
    norm = before.operation == "batch_norm"
    if not norm and integers[1] == _NO_POOL:
        return None
    return replace(
        before,
        operation="batch_norm" if norm else "pool_2x2",
        integers=integers,
        output=node.output,
    )


def _steps(node: Node) -> tuple[int, int] | None:
    """Return whether a node has ReLU and which pooling, if it consists of nothing else."""
    if node.operation in ("batch_norm", "pool_2x2"):
        relu, pool = node.integers
        return relu, pool
    return (1, _NO_POOL) if node.operation == "relu" else None
